// title = "out_len after a Set counts the eight bytes that there are"
// kind = "break"
// rule = "out-len-changed"
// file = "drivers/cxl/core/features.c"
// why = "the header of the answer is eight bytes long"

@@
identifier rpc_out;
@@
 cxlctl_set_feature(...)
 {
 <+...
-sizeof(*rpc_out)
+offsetof(struct fwctl_rpc_cxl_out, payload)
 ...+>
 }
