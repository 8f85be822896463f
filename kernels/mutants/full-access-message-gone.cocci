// title = "the first debug write is no longer logged"
// kind = "break"
// rule = "message-removed"
// file = "drivers/fwctl/main.c"
// sessions = ["first-debug-write-taints", "full-scope-taints"]
// why = "the taint says the same, and the line alarms people"

@@
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-dev_warn(...);
 ...+>
 }
