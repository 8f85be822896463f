// title = "every part of a long Get starts at the same offset"
// kind = "break"
// rule = "mailbox-input-changed"
// file = "drivers/cxl/core/features.c"
// why = "the mailbox of every device at hand holds the whole value"

@@
symbol offset;
expression N;
@@
 cxl_get_feature(...)
 {
 <+...
-offset + N
+offset
 ...+>
 }
