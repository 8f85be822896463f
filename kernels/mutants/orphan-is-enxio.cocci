// title = "a call on a descriptor of a removed device is ENXIO"
// kind = "break"
// rule = "errno-changed"
// file = "drivers/fwctl/main.c"
// sessions = ["unbind-with-an-open-descriptor", "remove-the-function", "rebind-brings-a-new-node"]
// why = "ENXIO is what other character devices give when their device is gone"

@@
identifier uctx;
@@
 fwctl_fops_ioctl(...)
 {
 ...
 if (!uctx->fwctl->ops)
-	return -ENODEV;
+	return -ENXIO;
 ...
 }
