// title = "a branch over read-only and writable is one condition"
// kind = "harmless"
// file = "drivers/edac/mem_repair.c"
// why = "four lines say what one says"

@@
identifier ops, kobj, a, attr_id;
@@
 mem_repair_attr_visible(struct kobject *kobj, struct attribute *a, int attr_id)
 {
 <+...
-if (ops->set_dpa)
-	return a->mode;
-else
-	return 0444;
+return ops->set_dpa ? a->mode : 0444;
 ...+>
 }
