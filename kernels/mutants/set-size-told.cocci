// title = "the answer to a Set says how many bytes were written"
// kind = "break"
// rule = "set-changed"
// file = "drivers/cxl/core/features.c"
// why = "a size of 0 tells a program nothing"

@@
identifier rpc_out;
symbol data_size;
@@
 cxlctl_set_feature(...)
 {
 ...
 rpc_out->retval = CXL_MBOX_CMD_RC_SUCCESS;
+rpc_out->size = data_size;
 ...
 }
