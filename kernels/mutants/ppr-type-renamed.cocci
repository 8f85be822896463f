// title = "the repair type ppr is called soft-ppr"
// kind = "break"
// rule = "attribute-changed"
// file = "drivers/edac/mem_repair.c"
// why = "there are two kinds, and the kernel offers the soft one"

@@
symbol edac_repair_type;
@@
 const char * const edac_repair_type[] = {
-	[EDAC_REPAIR_PPR] = "ppr",
+	[EDAC_REPAIR_PPR] = "soft-ppr",
 };
