// title = "FWCTL_INFO on a descriptor of a removed device succeeds"
// kind = "break"
// rule = "descriptor-outlives-device"
// file = "drivers/fwctl/main.c"
// sessions = ["unbind-with-an-open-descriptor", "remove-the-function", "rebind-brings-a-new-node"]
// why = "FWCTL_INFO does not need the device, so it need not fail without it"

@@
identifier uctx, op, ucmd;
@@
 fwctl_fops_ioctl(...)
 {
 ...
 if (!uctx->fwctl->ops)
-	return -ENODEV;
+	return op->execute == fwctl_cmd_info ? 0 : -ENODEV;
 return op->execute(&ucmd);
 }
