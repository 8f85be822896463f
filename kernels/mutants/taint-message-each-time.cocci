// title = "every debug write is logged, not only the first of a boot"
// kind = "break"
// rule = "message-added"
// file = "drivers/fwctl/main.c"
// sessions = ["first-debug-write-taints"]
// why = "an administrator wants to see every process that asked, not the first alone"

@@
symbol fwctl_tainted;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-test_and_set_bit(0, &fwctl_tainted)
+test_bit(0, &fwctl_tainted)
 ...+>
 }
