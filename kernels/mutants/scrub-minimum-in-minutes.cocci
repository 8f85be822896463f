// title = "the least scrub cycle is shown in minutes"
// kind = "break"
// rule = "attribute-changed"
// file = "drivers/cxl/core/edac.c"
// why = "an hour is written down as sixty"

@@
expression M;
@@
 cxl_patrol_scrub_get_min_scrub_cycle(...)
 {
 <+...
-M * 3600
+M * 60
 ...+>
 }
