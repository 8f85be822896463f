// title = "the kernel's own Features are listed as changeable"
// kind = "break"
// rule = "feature-changeable"
// file = "drivers/cxl/core/features.c"
// why = "a Set size of 0 says enough, and the flags are what the firmware says"

@@
expression flags;
@@
 cxlctl_get_supported_features(...)
 {
 <+...
-flags &= ~CXL_FEATURE_F_CHANGEABLE;
 ...+>
 }
