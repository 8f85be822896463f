// title = "CAP_SYS_RAWIO is no longer asked for full scope"
// kind = "break"
// rule = "capability-loosened"
// file = "drivers/fwctl/main.c"
// why = "the node is for root alone by default, so the check looks like one too many"

@@
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-if (!capable(CAP_SYS_RAWIO))
-	return -EPERM;
 ...+>
 }
