// title = "repair controls are numbered from the other end"
// kind = "break"
// rule = "attribute-changed"
// file = "drivers/cxl/core/edac.c"
// why = "the coarsest repair is thought to come first"

@@
symbol mem_sparing_desc;
identifier i;
@@
 devm_cxl_memdev_edac_register(...)
 {
 <+...
-&mem_sparing_desc[i]
+&mem_sparing_desc[CXL_MEM_SPARING_MAX - 1 - i]
 ...+>
 }
