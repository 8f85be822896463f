// title = "no more than a page of an answer is copied"
// kind = "break"
// rule = "get-changed"
// file = "drivers/fwctl/main.c"
// why = "a bounce buffer of one page was enough for every answer at hand"

@@
identifier cmd;
symbol out_len;
expression D, B;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
 copy_to_user(D, B,
-	min(cmd->out_len, out_len)
+	min3(cmd->out_len, out_len, PAGE_SIZE)
 )
 ...+>
 }
