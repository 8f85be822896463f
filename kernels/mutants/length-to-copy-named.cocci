// title = "the length to copy has a variable of its own"
// kind = "harmless"
// file = "drivers/fwctl/main.c"
// why = "a call that spans three lines is hard to read"

@@
identifier cmd;
symbol out_len;
expression D, B;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
+size_t copy_len = min(cmd->out_len, out_len);
+
 if (copy_to_user(D, B,
-	min(cmd->out_len, out_len)
+	copy_len
 ))
 	return -EFAULT;
 ...+>
 }
