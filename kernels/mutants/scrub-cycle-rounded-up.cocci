// title = "a scrub cycle below an hour is taken as an hour"
// kind = "break"
// rule = "attribute-unblocked"
// file = "drivers/cxl/core/edac.c"
// why = "rounding down scrubs more often than was asked for"

@@
symbol scrub_cycle_secs;
@@
 cxl_patrol_scrub_set_scrub_cycle(...)
 {
 <+...
-scrub_cycle_secs / 3600
+DIV_ROUND_UP(scrub_cycle_secs, 3600)
 ...+>
 }
