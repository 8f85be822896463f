// title = "the scrub cycle can be set without CAP_SYS_RAWIO"
// kind = "break"
// rule = "capability-loosened"
// file = "drivers/cxl/core/edac.c"
// why = "the attribute is writable for root alone, so the check looks like one too many"

@@
@@
 cxl_patrol_scrub_set_scrub_cycle(...)
 {
 <+...
-if (!capable(CAP_SYS_RAWIO))
-	return -EPERM;
 ...+>
 }
