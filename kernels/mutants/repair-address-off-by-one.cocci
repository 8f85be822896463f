// title = "the repair address just behind the device is taken"
// kind = "break"
// rule = "attribute-unblocked"
// file = "drivers/cxl/core/edac.c"
// why = "a range's end is taken for its size"

@@
identifier ctx, cxlds, dev, drv_data, dpa;
expression E;
@@
 cxl_mem_sparing_set_dpa(struct device *dev, void *drv_data, u64 dpa)
 {
 <+...
 struct cxl_dev_state *cxlds = ...;
 ...
-if (E)
+if (dpa > cxlds->dpa_res.end + 1)
 	return -EINVAL;
 ctx->dpa = dpa;
 ...+>
 }
