// title = "the answer to Get Feature is allocated as an array of one"
// kind = "harmless"
// file = "drivers/cxl/core/features.c"
// why = "an allocator that multiplies is preferred everywhere"

@@
expression N, F;
@@
 cxlctl_get_feature(...)
 {
 <+...
-kvzalloc(N, F)
+kvcalloc(1, N, F)
 ...+>
 }
