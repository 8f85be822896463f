// title = "current_cycle_duration is called cycle_duration"
// kind = "break"
// rule = "attribute-removed"
// file = "drivers/edac/scrub.c"
// why = "min and max are limits, and what is left needs no prefix"

@@
symbol current_cycle_duration, instance;
@@
 scrub_create_desc(...)
 {
 <+...
-EDAC_SCRUB_ATTR_RW(current_cycle_duration, instance)
+((struct edac_scrub_dev_attr) {
+	.dev_attr = __ATTR(cycle_duration, 0644, current_cycle_duration_show,
+			   current_cycle_duration_store),
+	.instance = instance,
+})
 ...+>
 }
