// title = "a group may reset the error counters"
// kind = "break"
// rule = "attribute-mode-changed"
// file = "drivers/edac/ecs.c"
// why = "an operator's group is to clear counters without being root"

@@
identifier ops, kobj, a, attr_id;
@@
 ecs_attr_visible(struct kobject *kobj, struct attribute *a, int attr_id)
 {
 <+...
 if (ops->reset)
-	return a->mode;
+	return 0220;
 ...+>
 }
