// title = "every part of a long Set starts at the same offset"
// kind = "break"
// rule = "mailbox-input-changed"
// file = "drivers/cxl/core/features.c"
// why = "the transfer is begun once, so its offset looks like a constant"

@@
symbol offset;
expression N;
@@
 cxl_set_feature(...)
 {
 <+...
-offset + N
+offset
 ...+>
 }
