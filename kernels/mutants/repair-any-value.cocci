// title = "any value written to repair starts one"
// kind = "break"
// rule = "attribute-unblocked"
// file = "drivers/cxl/core/edac.c"
// why = "there is one thing that the attribute does"

@@
symbol val;
@@
 cxl_do_mem_sparing(...)
 {
 <+...
-if (val != EDAC_DO_MEM_REPAIR)
+if (!val)
 	return -EINVAL;
 ...+>
 }
