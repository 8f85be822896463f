// title = "a Set carries the version of the list's entry and not the program's"
// kind = "break"
// rule = "mailbox-input-changed"
// file = "drivers/cxl/core/features.c"
// why = "the kernel knows which version the firmware takes"

@@
identifier cxlfs, feat_in;
@@
 cxlctl_set_feature(struct cxl_features_state *cxlfs, ...)
 {
 <+...
 cxl_set_feature(...,
-	feat_in->version
+	cxl_feature_info(cxlfs, &feat_in->uuid)->set_feat_ver
 	, ...)
 ...+>
 }
