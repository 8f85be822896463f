// title = "the longest scrub cycle is that of a 16-bit register"
// kind = "break"
// rule = "attribute-changed"
// file = "drivers/cxl/core/edac.c"
// why = "the value that is read has two bytes"

@@
@@
 cxl_patrol_scrub_get_max_scrub_cycle(...)
 {
 <+...
-U8_MAX
+U16_MAX
 ...+>
 }
