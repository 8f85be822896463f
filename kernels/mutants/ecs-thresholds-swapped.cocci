// title = "two error check scrub thresholds change places"
// kind = "break"
// rule = "attribute-changed"
// file = "drivers/cxl/core/edac.c"
// why = "a table is written down again, and two rows of it in the wrong order"

@@
symbol ecs_supp_threshold;
@@
 static const u16 ecs_supp_threshold[] = {
 	[ECS_THRESHOLD_IDX_256] = 256,
-	[ECS_THRESHOLD_IDX_1024] = 1024,
-	[ECS_THRESHOLD_IDX_4096] = 4096,
+	[ECS_THRESHOLD_IDX_1024] = 4096,
+	[ECS_THRESHOLD_IDX_4096] = 1024,
 };
