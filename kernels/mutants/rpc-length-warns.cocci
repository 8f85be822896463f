// title = "an RPC that is too long is a kernel warning"
// kind = "break"
// rule = "kernel-warning"
// file = "drivers/fwctl/main.c"
// why = "the length is held to be a bug of the caller, and the caller to be the kernel"

@@
expression A, B;
@@
 fwctl_cmd_rpc(...)
 {
 ...
-if (A > MAX_RPC_LEN || B > MAX_RPC_LEN)
+if (WARN_ON_ONCE(A > MAX_RPC_LEN || B > MAX_RPC_LEN))
 	return -EMSGSIZE;
 ...
 }
