// title = "out_len says what was copied, not what there was"
// kind = "break"
// rule = "out-len-changed"
// file = "drivers/fwctl/main.c"
// why = "a length beyond the buffer looks like a mistake"

@@
identifier cmd;
symbol out_len;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-cmd->out_len = out_len;
+cmd->out_len = min(cmd->out_len, out_len);
 ...+>
 }
