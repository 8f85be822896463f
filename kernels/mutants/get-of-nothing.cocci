// title = "a Get of no bytes is left to the firmware's side"
// kind = "break"
// rule = "get-unblocked"
// file = "drivers/cxl/core/features.c"
// why = "the function that reads has a check for an empty buffer already"

@@
symbol count;
@@
 cxlctl_get_feature(...)
 {
 <+...
-if (!count)
-	return ERR_PTR(-EINVAL);
 ...+>
 }
