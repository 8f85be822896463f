// title = "a Get of the default value writes it to the device"
// kind = "break"
// rule = "get-writes-device"
// file = "drivers/cxl/core/features.c"
// why = "a program that asks for the defaults is thought to want them"

@@
identifier cxlfs, rpc_in, feat_in, rpc_out;
expression cxl_mbox;
symbol out_size;
@@
 cxlctl_get_feature(struct cxl_features_state *cxlfs, const struct fwctl_rpc_cxl *rpc_in, ...)
 {
 <+...
 out_size = cxl_get_feature(cxl_mbox, &feat_in->uuid, feat_in->selection, rpc_out->payload, ...);
+if (out_size && feat_in->selection == CXL_GET_FEAT_SEL_DEFAULT_VALUE)
+	cxl_set_feature(cxl_mbox, &feat_in->uuid,
+			cxl_feature_info(cxlfs, &feat_in->uuid)->set_feat_ver,
+			rpc_out->payload, out_size, 0, 0, NULL);
 ...+>
 }
