// title = "a Set that the firmware refuses looks like one that worked"
// kind = "break"
// rule = "refusal-hidden"
// file = "drivers/cxl/core/features.c"
// why = "both ways out of the function are merged, and the return code is lost"

@@
identifier rpc_out;
expression rc;
@@
 cxlctl_set_feature(...)
 {
 <+...
-if (rc) {
-	rpc_out->retval = ...;
-	return ...;
-}
 ...+>
 }
