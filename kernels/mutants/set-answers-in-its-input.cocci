// title = "the answer to a Set is written over a copy of its input and shows the rest of it"
// kind = "break"
// rule = "output-not-cleared"
// file = "drivers/cxl/core/features.c"
// why = "the buffer is about to be overwritten, so clearing it looks like a waste"

@@
identifier rpc_in;
identifier cxlfs, out_len;
@@
 cxlctl_set_feature(struct cxl_features_state *cxlfs, const struct fwctl_rpc_cxl *rpc_in, size_t *out_len)
 {
 <+...
-kvzalloc(...)
+kvmemdup(rpc_in, sizeof(*rpc_in), GFP_KERNEL)
 ...+>
 }
