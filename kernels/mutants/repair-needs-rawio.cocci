// title = "a repair needs CAP_SYS_RAWIO"
// kind = "break"
// rule = "capability-tightened"
// file = "drivers/cxl/core/edac.c"
// why = "scrub and error check scrub ask for it, and a repair cannot be undone"

@@
symbol val;
@@
 cxl_do_mem_sparing(...)
 {
 <+...
+if (!capable(CAP_SYS_RAWIO))
+	return -EPERM;
 if (val != EDAC_DO_MEM_REPAIR)
 	return -EINVAL;
 ...+>
 }
