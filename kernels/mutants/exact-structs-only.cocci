// title = "an ioctl structure has to have the kernel's size"
// kind = "break"
// rule = "framing-tightened"
// file = "drivers/fwctl/main.c"
// why = "there is one version of the structure, so another size looks like a mistake"

@@
identifier ucmd, op;
@@
 fwctl_fops_ioctl(...)
 {
 ...
-if (ucmd.user_size < op->min_size)
+if (ucmd.user_size != op->size)
 	return -EINVAL;
 ...
 }
