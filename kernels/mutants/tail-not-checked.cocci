// title = "bytes behind the ioctl structure need not be zero"
// kind = "break"
// rule = "framing-loosened"
// file = "drivers/fwctl/main.c"
// why = "copying what the kernel knows looks like all that is needed"

@@
expression D, DL, S, SL, ret;
@@
 fwctl_fops_ioctl(...)
 {
 ...
-ret = copy_struct_from_user(D, DL, S, SL);
+ret = copy_from_user(D, S, min(DL, SL)) ? -EFAULT : 0;
 ...
 }
