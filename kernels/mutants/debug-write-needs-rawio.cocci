// title = "CAP_SYS_RAWIO is asked for debug write as well"
// kind = "break"
// rule = "capability-tightened"
// file = "drivers/fwctl/main.c"
// why = "both write scopes taint the kernel, so both look as if they needed the capability"

@@
identifier cmd;
expression A, B;
@@
 fwctl_cmd_rpc(...)
 {
 ...
 struct fwctl_rpc *cmd = ...;
 ...
 if (A || B)
 	return -EMSGSIZE;
+
+if (cmd->scope == FWCTL_RPC_DEBUG_WRITE && !capable(CAP_SYS_RAWIO))
+	return -EPERM;
 ...
 }
