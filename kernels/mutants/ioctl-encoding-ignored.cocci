// title = "direction and size bits of an ioctl are not looked at"
// kind = "break"
// rule = "call-unblocked"
// file = "drivers/fwctl/main.c"
// why = "the number alone selects the row of the table"

@@
identifier op, cmd;
@@
 fwctl_fops_ioctl(...)
 {
 ...
-if (op->ioctl_num != cmd)
-	return -ENOIOCTLCMD;
 ...
 }
