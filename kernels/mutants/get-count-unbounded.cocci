// title = "a Get may ask for more than fits into the output"
// kind = "revert"
// change = "get-count-bounded"
// file = "drivers/cxl/core/features.c"
// since = "7.2"
// why = "a conflict is resolved for the side that had no check"

@@
symbol out_size, count;
expression A;
@@
 cxlctl_get_feature(...)
 {
 <+...
-if (A || count > out_size - offsetof(...))
+if (A)
 	return ERR_PTR(-EINVAL);
 ...+>
 }
