// title = "lseek on a descriptor succeeds"
// kind = "break"
// rule = "call-unblocked"
// file = "drivers/fwctl/main.c"
// why = "an explicit .llseek is what a checker of file_operations asks for"

@@
symbol fwctl_fops;
@@
 static const struct file_operations fwctl_fops = {
 	.owner = THIS_MODULE,
+	.llseek = noop_llseek,
 };
