// title = "a declaration moves to where its value is read"
// kind = "harmless"
// file = "drivers/cxl/core/features.c"
// why = "the variable is not there before it has a value"

@@
symbol flags;
expression E;
@@
 cxlctl_set_feature(...)
 {
 <+...
-flags = E;
+const u32 flags = E;
 ...+>
 }

@@
symbol flags;
@@
 cxlctl_set_feature(...)
 {
 ...
-u32 flags;
 ...
 }
