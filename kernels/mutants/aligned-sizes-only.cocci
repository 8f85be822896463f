// title = "the size of an ioctl structure has to be a multiple of eight"
// kind = "break"
// rule = "sweep-blocked"
// file = "drivers/fwctl/main.c"
// why = "every structure ends in a 64-bit field, so an odd size is never meant"

@@
identifier ucmd, op;
@@
 fwctl_fops_ioctl(...)
 {
 ...
-if (ucmd.user_size < op->min_size)
+if (ucmd.user_size < op->min_size || ucmd.user_size % sizeof(u64))
 	return -EINVAL;
 ...
 }
