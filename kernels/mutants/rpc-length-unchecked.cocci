// title = "the output of an RPC may be of any length"
// kind = "break"
// rule = "framing-loosened"
// file = "drivers/fwctl/main.c"
// why = "the output is allocated by the driver, which knows its own limits"

@@
expression A, B;
@@
 fwctl_cmd_rpc(...)
 {
 ...
-if (A > MAX_RPC_LEN || B > MAX_RPC_LEN)
+if (A > MAX_RPC_LEN)
 	return -EMSGSIZE;
 ...
 }
