// title = "FWCTL_INFO ignores its flags"
// kind = "break"
// rule = "info-unblocked"
// file = "drivers/fwctl/main.c"
// why = "there are no flags yet, so there seems to be nothing to check"

@@
identifier cmd;
@@
 fwctl_cmd_info(...)
 {
 ...
-if (cmd->flags)
-	return -EOPNOTSUPP;
 ...
 }
