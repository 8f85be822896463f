// title = "Features behind the last one that a user may set are not listed"
// kind = "break"
// rule = "feature-removed"
// file = "drivers/cxl/core/features.c"
// why = "the documentation allows the kernel's own Features to be dropped from the list"

@@
identifier cxlfs;
@@
 cxlctl_get_supported_features(struct cxl_features_state *cxlfs, ...)
 {
 <+...
-cxlfs->entries->num_features
+cxlfs->entries->num_user_features
 ...+>
 }
