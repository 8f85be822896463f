// title = "a debug write no longer taints the kernel"
// kind = "break"
// rule = "taint-lost"
// file = "drivers/fwctl/main.c"
// sessions = ["first-debug-write-taints", "full-scope-taints"]
// why = "distributions dislike a taint for a tool that they ship"

@@
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-add_taint(TAINT_FWCTL, ...);
 ...+>
 }
