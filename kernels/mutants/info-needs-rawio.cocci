// title = "FWCTL_INFO asks for CAP_SYS_RAWIO"
// kind = "break"
// rule = "capability-tightened"
// file = "drivers/fwctl/main.c"
// why = "a check in front of every command is easier to reason about than one inside a switch"

@@
identifier cmd;
@@
 fwctl_cmd_info(...)
 {
 ...
+if (!capable(CAP_SYS_RAWIO))
+	return -EPERM;
 if (cmd->flags)
 	return -EOPNOTSUPP;
 ...
 }
