// title = "an ioctl structure may be shorter than the first one published"
// kind = "break"
// rule = "framing-loosened"
// file = "drivers/fwctl/main.c"
// why = "the helper fills up with zeros, so the lower bound looks needless"

@@
identifier ucmd, op;
@@
 fwctl_fops_ioctl(...)
 {
 ...
-if (ucmd.user_size < op->min_size)
+if (ucmd.user_size < sizeof(ucmd.user_size))
 	return -EINVAL;
 ...
 }
