// title = "FWCTL_INFO clears a byte beyond the data buffer"
// kind = "break"
// rule = "output-overrun"
// file = "drivers/fwctl/main.c"
// why = "a length is mistaken for a last index"

@@
expression P;
identifier cmd;
@@
 fwctl_cmd_info(...)
 {
 <+...
 clear_user(P,
-	cmd->device_data_len
+	cmd->device_data_len + 1
 )
 ...+>
 }
