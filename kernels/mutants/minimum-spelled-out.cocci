// title = "a minimum is a condition and not a macro"
// kind = "harmless"
// file = "drivers/fwctl/main.c"
// why = "the macro is strict about types, and the condition says the same"

@@
identifier cmd;
symbol out_len;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-min(cmd->out_len, out_len)
+cmd->out_len < out_len ? cmd->out_len : out_len
 ...+>
 }
