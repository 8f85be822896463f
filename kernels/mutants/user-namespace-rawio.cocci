// title = "CAP_SYS_RAWIO in the caller's user namespace suffices for full scope"
// kind = "break"
// rule = "capability-loosened"
// file = "drivers/fwctl/main.c"
// why = "a container that is given the node is meant to be able to use it"

@@
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-capable(CAP_SYS_RAWIO)
+ns_capable(current_user_ns(), CAP_SYS_RAWIO)
 ...+>
 }
