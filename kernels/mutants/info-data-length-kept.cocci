// title = "FWCTL_INFO leaves device_data_len as the program set it"
// kind = "break"
// rule = "info-changed"
// file = "drivers/fwctl/main.c"
// why = "the length says how much was written, and that is all of it"

@@
identifier cmd;
symbol driver_info_len;
@@
 fwctl_cmd_info(...)
 {
 ...
-cmd->device_data_len = driver_info_len;
 ...
 }
