// title = "each page of the firmware's list is asked for from the start"
// kind = "break"
// rule = "feature-removed"
// file = "drivers/cxl/core/features.c"
// why = "the list fits into one page of every mailbox at hand, so the index looks unused"

@@
identifier mbox_in;
@@
 get_supported_features(...)
 {
 <+...
-mbox_in.start_idx = ...;
 ...+>
 }
