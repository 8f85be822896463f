// title = "an unknown ioctl is EINVAL"
// kind = "break"
// rule = "errno-changed"
// file = "drivers/fwctl/main.c"
// why = "an ioctl of the right type with a wrong number looks like a bad argument"

@@
@@
 fwctl_fops_ioctl(...)
 {
 <+...
-return -ENOIOCTLCMD;
+return -EINVAL;
 ...+>
 }
