// title = "Get Feature reads the current value whatever is selected"
// kind = "break"
// rule = "get-changed"
// file = "drivers/cxl/core/features.c"
// why = "few devices have another value to offer"

@@
identifier pi;
symbol selection;
@@
 cxl_get_feature(...)
 {
 <+...
-pi.selection = selection;
+pi.selection = CXL_GET_FEAT_SEL_CURRENT_VALUE;
 ...+>
 }
