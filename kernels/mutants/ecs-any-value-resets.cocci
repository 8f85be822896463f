// title = "any value written to reset counts as 1"
// kind = "break"
// rule = "attribute-unblocked"
// file = "drivers/cxl/core/edac.c"
// why = "there is one thing that the attribute does"

@@
symbol val;
@@
 cxl_set_ecs_reset_counter(...)
 {
 <+...
-if (val != CXL_ECS_RESET_COUNTER)
-	return -EINVAL;
+val = CXL_ECS_RESET_COUNTER;
 ...+>
 }
