// title = "the 32-bit entry knows the ioctls"
// kind = "break"
// rule = "info-unblocked"
// file = "drivers/fwctl/main.c"
// why = "the structures have the same layout for both entries"

@@
symbol fwctl_fops;
@@
 static const struct file_operations fwctl_fops = {
 	.owner = THIS_MODULE,
+	.compat_ioctl = compat_ptr_ioctl,
 };
