// title = "the header of the answer counts towards the count of Get Supported Features"
// kind = "break"
// rule = "feature-removed"
// file = "drivers/cxl/core/features.c"
// why = "the specification counts the whole output payload"

@@
symbol count, requested;
identifier pos, feat_out;
@@
 cxlctl_get_supported_features(...)
 {
 ...
 struct cxl_mbox_get_sup_feats_out *feat_out;
 ...
-requested = count / sizeof(*pos);
+requested = count < sizeof(*feat_out) ?
+	0 : (count - sizeof(*feat_out)) / sizeof(*pos);
 ...
 }
