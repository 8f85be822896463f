// title = "a scope that is not there is taken as the least one"
// kind = "break"
// rule = "scope-loosened"
// file = "drivers/fwctl/main.c"
// why = "an older kernel is meant to serve a program that knows a newer scope"

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
+if (cmd->scope > FWCTL_RPC_DEBUG_WRITE_FULL)
+	cmd->scope = FWCTL_RPC_CONFIGURATION;
 ...
 }
