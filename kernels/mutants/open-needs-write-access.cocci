// title = "a descriptor that is not open for writing is refused"
// kind = "break"
// rule = "open-blocked"
// file = "drivers/fwctl/main.c"
// why = "an RPC may write to the device, so the descriptor should say so"

@@
iterator name scoped_guard;
identifier fwctl, inode, filp;
@@
 fwctl_fops_open(struct inode *inode, struct file *filp)
 {
 ...
 if (!fwctl->ops)
 	return -ENODEV;
+if (!(filp->f_mode & FMODE_WRITE))
+	return -EACCES;
 ...
 }
