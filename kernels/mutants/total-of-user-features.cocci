// title = "the number of Features leaves the kernel's own out"
// kind = "break"
// rule = "feature-removed"
// file = "drivers/cxl/core/features.c"
// why = "the total is thought to be that of Features that a user may set"

@@
identifier cxlfs, feat_out;
@@
 cxlctl_get_supported_features(struct cxl_features_state *cxlfs, ...)
 {
 <+...
 feat_out->supported_feats = cpu_to_le16(
-	cxlfs->entries->num_features
+	cxlfs->entries->num_user_features
 );
 ...+>
 }
