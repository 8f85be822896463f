// title = "a device whose log has both read commands counts as writable"
// kind = "break"
// rule = "set-unblocked"
// file = "drivers/cxl/core/mbox.c"
// why = "two branches that differ in one word are made alike by mistake"

@@
@@
 set_features_cap(...)
 {
 <+...
-CXL_FEATURES_RO
+CXL_FEATURES_RW
 ...+>
 }
