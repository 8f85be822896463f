// title = "the ioctl looks at the removed device before it takes the operation"
// kind = "harmless"
// file = "drivers/fwctl/main.c"
// why = "the lock is held for the whole call either way"

@@
identifier uctx, op, ucmd;
@@
 fwctl_fops_ioctl(...)
 {
 <+...
-if (!uctx->fwctl->ops)
-	return -ENODEV;
-return op->execute(&ucmd);
+if (uctx->fwctl->ops)
+	return op->execute(&ucmd);
+return -ENODEV;
 ...+>
 }
