// title = "the node goes when the memdev driver is unbound"
// kind = "break"
// rule = "descriptor-cut-off"
// file = "drivers/cxl/core/features.c"
// sessions = ["unbind-cxl-mem-leaves-fwctl"]
// since = "7.0"
// why = "the node is a child of the memdev, so its life is tied to the memdev's driver"

@@
identifier host, cxlmd;
@@
 devm_cxl_setup_fwctl(struct device *host, struct cxl_memdev *cxlmd)
 {
 <+...
 devm_add_action_or_reset(
-	host
+	cxlmd->dev.driver ? &cxlmd->dev : host
 	, ...)
 ...+>
 }
