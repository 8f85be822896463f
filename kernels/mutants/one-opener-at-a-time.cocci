// title = "a device that is open cannot be opened again"
// kind = "break"
// rule = "open-blocked"
// file = "drivers/fwctl/main.c"
// why = "two programs at the firmware of one device are held to be a mistake"

@@
iterator name scoped_guard;
identifier fwctl;
@@
 fwctl_fops_open(...)
 {
 ...
 if (!fwctl->ops)
 	return -ENODEV;
+if (!list_empty(&fwctl->uctx_list))
+	return -EBUSY;
 ...
 }
