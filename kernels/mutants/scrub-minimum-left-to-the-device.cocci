// title = "a scrub cycle below the minimum is left to the device to refuse"
// kind = "break"
// rule = "errno-changed"
// file = "drivers/cxl/core/edac.c"
// why = "the device checks it anyway"

@@
symbol scrub_cycle_hours, min_cycle;
@@
 cxl_patrol_scrub_set_scrub_cycle(...)
 {
 <+...
-if (scrub_cycle_hours < min_cycle) {
-	...
-	return -EINVAL;
-}
 ...+>
 }
