// title = "the kernel's own Features are listed with their Set size"
// kind = "break"
// rule = "feature-entry-changed"
// file = "drivers/cxl/core/features.c"
// why = "the cleared flag says enough, and the size is what the firmware says"

@@
identifier pos;
@@
 cxlctl_get_supported_features(...)
 {
 <+...
-pos->set_feat_size = 0;
 ...+>
 }
