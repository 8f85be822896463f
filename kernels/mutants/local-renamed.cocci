// title = "a local variable has another name"
// kind = "harmless"
// file = "drivers/cxl/core/edac.c"
// why = "ret becomes rc, as in the rest of the file"

@@
identifier ret;
@@
 cxl_scrub_set_attrbs_device(...)
 {
 ...
-int ret;
+int rc;
 <+...
-ret
+rc
 ...+>
 }
