// title = "writing a threshold of 1024 sets one of 4096"
// kind = "break"
// rule = "mailbox-input-changed"
// file = "drivers/cxl/core/edac.c"
// why = "a line is copied for the next case and left as it was"

@@
@@
 cxl_set_ecs_threshold(...)
 {
 <+...
-ECS_THRESHOLD_IDX_1024
+ECS_THRESHOLD_IDX_4096
 ...+>
 }
