// title = "the input of a full-scope RPC is cleared in the program's memory"
// kind = "break"
// rule = "input-overwritten"
// file = "drivers/fwctl/main.c"
// why = "what is written at full scope may be a key, and should not linger"

@@
identifier cmd;
symbol out_len;
@@
 fwctl_cmd_rpc(...)
 {
 <...
+if (cmd->scope == FWCTL_RPC_DEBUG_WRITE_FULL &&
+    clear_user(u64_to_user_ptr(cmd->in), cmd->in_len))
+	return -EFAULT;
 out_len = cmd->out_len;
 ...>
 }
