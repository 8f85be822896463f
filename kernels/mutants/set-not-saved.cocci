// title = "a Set is no longer saved across a reset"
// kind = "break"
// rule = "mailbox-input-changed"
// file = "drivers/cxl/core/features.c"
// why = "the caller's flags are thought to say whether it should be"

@@
symbol feat_flag;
@@
 cxl_set_feature(...)
 {
 <+...
-feat_flag |= CXL_SET_FEAT_FLAG_DATA_SAVED_ACROSS_RESET;
 ...+>
 }
