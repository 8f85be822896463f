// title = "the transfer action of a Set is the program's where it names one"
// kind = "break"
// rule = "refusal-shown"
// file = "drivers/cxl/core/features.c"
// why = "a program may want to split a transfer by itself"

@@
symbol feat_flag;
@@
 cxl_set_feature(...)
 {
 <+...
-feat_flag &= ~CXL_SET_FEAT_FLAG_DATA_TRANSFER_MASK;
 ...+>
 }
