// title = "the last address of a repair control is its size"
// kind = "break"
// rule = "attribute-changed"
// file = "drivers/cxl/core/edac.c"
// why = "a range's end is taken for the first address behind it"

@@
symbol max_dpa;
identifier cxlds;
@@
 cxl_mem_sparing_get_max_dpa(...)
 {
 <+...
-cxlds->dpa_res.end
+resource_size(&cxlds->dpa_res)
 ...+>
 }
