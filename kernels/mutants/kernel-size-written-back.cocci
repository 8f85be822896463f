// title = "the ioctl structure comes back with the kernel's size in it"
// kind = "break"
// rule = "argument-changed"
// file = "drivers/fwctl/main.c"
// why = "a program is to learn how much of the structure the kernel knows"

@@
identifier cmd;
@@
 fwctl_cmd_info(...)
 {
 ...
 cmd->out_device_type = ...;
+cmd->size = sizeof(*cmd);
 ...
 }

@@
identifier cmd;
@@
 fwctl_cmd_rpc(...)
 {
 ...
 cmd->out_len = ...;
+cmd->size = sizeof(*cmd);
 ...
 }
