// title = "FWCTL_INFO leaves the data buffer as it was"
// kind = "break"
// rule = "output-not-cleared"
// file = "drivers/fwctl/main.c"
// why = "the driver has no data, so nothing is written"

@@
@@
 fwctl_cmd_info(...)
 {
 <+...
-if (clear_user(...))
-	return -EFAULT;
+driver_info_len = 0;
 ...+>
 }
