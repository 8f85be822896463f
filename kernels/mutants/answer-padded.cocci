// title = "the output buffer is zeroed behind the answer of an RPC"
// kind = "break"
// rule = "output-overrun"
// file = "drivers/fwctl/main.c"
// why = "FWCTL_INFO clears the whole buffer too"

@@
identifier cmd;
symbol out_len;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
+if (cmd->out_len > out_len &&
+    clear_user(u64_to_user_ptr(cmd->out) + out_len, cmd->out_len - out_len))
+	return -EFAULT;
 cmd->out_len = out_len;
 ...+>
 }
