// title = "min_cycle_duration can be read by root alone"
// kind = "break"
// rule = "attribute-mode-changed"
// file = "drivers/edac/scrub.c"
// why = "a read sends a command to the device, and that is to be the administrator's"

@@
identifier ops, kobj, a, attr_id;
@@
 scrub_attr_visible(struct kobject *kobj, struct attribute *a, int attr_id)
 {
 <+...
 if (ops->get_min_cycle)
-	return a->mode;
+	return 0400;
 ...+>
 }
