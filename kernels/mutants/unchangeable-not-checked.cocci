// title = "whether a Feature can be changed is left to the firmware"
// kind = "break"
// rule = "set-unblocked"
// file = "drivers/cxl/core/features.c"
// why = "the firmware refuses what it does not want"

@@
symbol false;
symbol flags;
@@
 cxlctl_validate_set_features(...)
 {
 <+...
-if (!(flags & CXL_FEATURE_F_CHANGEABLE))
-	return false;
 ...+>
 }
