// title = "a call on a descriptor of a removed device is not refused"
// kind = "break"
// rule = "kernel-oops"
// file = "drivers/fwctl/main.c"
// sessions = ["remove-the-function"]
// why = "the lock is held, so the device is thought to be there"

@@
identifier uctx;
@@
 fwctl_fops_ioctl(...)
 {
 ...
-if (!uctx->fwctl->ops)
-	return -ENODEV;
 ...
 }
