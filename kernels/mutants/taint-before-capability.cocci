// title = "a caller without CAP_SYS_RAWIO taints the kernel and is then refused"
// kind = "break"
// rule = "taint-gained"
// file = "drivers/fwctl/main.c"
// why = "the attempt alone is held to be worth a taint"

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
+if (cmd->scope == FWCTL_RPC_DEBUG_WRITE_FULL)
+	add_taint(TAINT_FWCTL, LOCKDEP_STILL_OK);
 ...
 }
