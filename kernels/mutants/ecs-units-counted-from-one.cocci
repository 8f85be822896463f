// title = "the units of error check scrub are counted from 1"
// kind = "break"
// rule = "attribute-removed"
// file = "drivers/edac/ecs.c"
// why = "the number on the part begins at 1"

@@
symbol fru, fru_ctx;
@@
 ecs_create_desc(...)
 {
 <+...
 sprintf(fru_ctx->name, ..., EDAC_ECS_FRU_NAME,
-	fru
+	fru + 1
 )
 ...+>
 }
