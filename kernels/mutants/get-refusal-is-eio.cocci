// title = "a Get that the firmware refuses is EIO"
// kind = "break"
// rule = "get-blocked"
// file = "drivers/cxl/core/features.c"
// why = "a program that looks at errno alone takes a refusal for a value"

@@
symbol out_size;
identifier rpc_out;
@@
 cxlctl_get_feature(...)
 {
 <+...
-if (!out_size) {
-	rpc_out->size = 0;
-	rpc_out->retval = ...;
-	return ...;
-}
+if (!out_size)
+	return ERR_PTR(-EIO);
 ...+>
 }
