// title = "FWCTL_INFO refuses a data buffer of more than 32 bytes"
// kind = "break"
// rule = "info-blocked"
// file = "drivers/fwctl/main.c"
// why = "no driver has more to say, and clearing any length at once is a hazard"

@@
identifier cmd;
@@
 fwctl_cmd_info(...)
 {
 ...
 if (cmd->flags)
 	return -EOPNOTSUPP;
+if (cmd->device_data_len > 32)
+	return -EMSGSIZE;
 ...
 }
