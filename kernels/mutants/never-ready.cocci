// title = "poll on a descriptor says that nothing is ready"
// kind = "break"
// rule = "return-changed"
// file = "drivers/fwctl/main.c"
// why = "there is nothing to wait for, so poll should not say that there is"

@@
@@
 #include <linux/module.h>
+#include <linux/poll.h>

@@
symbol fwctl_fops;
@@
+static __poll_t fwctl_fops_poll(struct file *filp, poll_table *wait)
+{
+	return 0;
+}
+
 static const struct file_operations fwctl_fops = {
 	.owner = THIS_MODULE,
+	.poll = fwctl_fops_poll,
 };
