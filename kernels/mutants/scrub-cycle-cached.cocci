// title = "the scrub cycle is shown as EDAC last knew it"
// kind = "break"
// rule = "edac-incoherent"
// file = "drivers/cxl/core/edac.c"
// why = "the kernel owns the Feature, so nothing else is thought to change it"

@@
identifier ctx, dev, drv_data, scrub_cycle_secs;
expression E;
@@
 cxl_patrol_scrub_get_scrub_cycle(struct device *dev, void *drv_data, u32 *scrub_cycle_secs)
 {
 ...
 struct cxl_patrol_scrub_context *ctx = drv_data;
 <+...
+if (ctx->cxlmd) {
+	*scrub_cycle_secs = ctx->cxlmd->scrub_cycle * 3600;
+	return 0;
+}
 E = cxl_scrub_get_attrbs(...);
 ...+>
 }
