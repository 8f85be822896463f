// title = "the input of Get Feature may be longer than its structure"
// kind = "break"
// rule = "framing-loosened"
// file = "drivers/cxl/core/features.c"
// why = "a later version of the structure may have more fields"

@@
identifier rpc_in;
expression N;
@@
 cxlctl_get_feature(...)
 {
 <+...
-rpc_in->op_size != N
+rpc_in->op_size < N
 ...+>
 }
