// title = "an RPC that is too long taints before it is refused"
// kind = "break"
// rule = "get-taints"
// file = "drivers/fwctl/main.c"
// why = "the length check moves next to the allocation that it guards"

@early@
expression A, B;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-if (A || B)
-	return -EMSGSIZE;
 ...+>
 }

@@
expression early.A, early.B;
symbol inbuf;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
+if (A || B)
+	return -EMSGSIZE;
 if (!inbuf)
 	return -ENOMEM;
 ...+>
 }
