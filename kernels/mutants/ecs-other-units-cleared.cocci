// title = "setting one unit's error check scrub clears that of the units behind it"
// kind = "break"
// rule = "attribute-blocked"
// file = "drivers/cxl/core/edac.c"
// why = "the loop is thought to lead up to the unit that is set"

@@
symbol count, num_media_frus, fru_id;
@@
 cxl_mem_ecs_set_attrbs(...)
 {
 <+...
-count < num_media_frus
+count < fru_id
 ...+>
 }
