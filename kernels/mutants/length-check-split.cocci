// title = "input and output length are checked one after the other"
// kind = "harmless"
// file = "drivers/fwctl/main.c"
// why = "each check gets a place for a comment"

@@
expression A, B;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-if (A || B)
-	return -EMSGSIZE;
+if (A)
+	return -EMSGSIZE;
+if (B)
+	return -EMSGSIZE;
 ...+>
 }
