// title = "an output that cannot be written is refused before the firmware is asked"
// kind = "break"
// rule = "mailbox-command-removed"
// file = "drivers/fwctl/main.c"
// why = "a command whose answer cannot be delivered had better not be sent"

@@
@@
 #include <linux/module.h>
+#include <linux/pagemap.h>

@@
identifier cmd;
symbol out_len;
@@
 fwctl_cmd_rpc(...)
 {
 <...
+if (fault_in_safe_writeable(u64_to_user_ptr(cmd->out), cmd->out_len))
+	return -EFAULT;
 out_len = cmd->out_len;
 ...>
 }
