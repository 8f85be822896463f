// title = "the payload of a Set is padded to eight bytes"
// kind = "break"
// rule = "mailbox-size-changed"
// file = "drivers/cxl/core/features.c"
// why = "the payload registers are written in 64-bit words"

@@
symbol hdr_size, data_in_size;
@@
 cxl_set_feature(...)
 {
 <+...
-hdr_size + data_in_size
+hdr_size + ALIGN(data_in_size, 8)
 ...+>
 }
