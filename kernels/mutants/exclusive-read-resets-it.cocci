// title = "a Get of one of the kernel's own Features sets it back to its default"
// kind = "break"
// rule = "get-disturbs-edac"
// file = "drivers/cxl/core/features.c"
// why = "a program that looks behind the kernel's back is to find a known state"

@@
identifier cxlfs, rpc_in, feat_in, rpc_out;
expression cxl_mbox;
symbol out_size, count;
@@
 cxlctl_get_feature(struct cxl_features_state *cxlfs, const struct fwctl_rpc_cxl *rpc_in, ...)
 {
 <+...
 out_size = cxl_get_feature(cxl_mbox, &feat_in->uuid, ..., rpc_out->payload, ...);
+if (out_size == 4 && is_cxl_feature_exclusive_by_uuid(&feat_in->uuid)) {
+	u8 value[4];
+
+	if (cxl_get_feature(cxl_mbox, &feat_in->uuid, CXL_GET_FEAT_SEL_DEFAULT_VALUE,
+			    value, sizeof(value), 0, NULL))
+		cxl_set_feature(cxl_mbox, &feat_in->uuid, 1, &value[1], 2, 0, 0, NULL);
+}
 ...+>
 }
