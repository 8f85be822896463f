// title = "the scrub cycle cannot be read without CAP_SYS_RAWIO"
// kind = "break"
// rule = "capability-tightened"
// file = "drivers/cxl/core/edac.c"
// why = "a read sends a command to the device, and that is to be the administrator's"

@@
identifier ret;
@@
 cxl_patrol_scrub_get_scrub_cycle(...)
 {
 <+...
+if (!capable(CAP_SYS_RAWIO))
+	return -EPERM;
 ret = cxl_scrub_get_attrbs(...);
 ...+>
 }
