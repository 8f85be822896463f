// title = "reserved bytes of an entry are listed as zero"
// kind = "break"
// rule = "feature-entry-changed"
// file = "drivers/cxl/core/features.c"
// why = "reserved bytes have to be zero, so the kernel makes them so"

@@
identifier pos;
expression src;
@@
 cxlctl_get_supported_features(...)
 {
 <+...
 memcpy(pos, src, sizeof(*pos));
+memset(pos->reserved, 0, sizeof(pos->reserved));
 ...+>
 }
