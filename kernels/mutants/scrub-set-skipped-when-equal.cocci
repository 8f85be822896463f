// title = "a scrub setting with the cycle that there is is not sent"
// kind = "break"
// rule = "mailbox-command-removed"
// file = "drivers/cxl/core/edac.c"
// why = "a command that changes nothing can be saved"

@@
symbol cycle, cxlmd, cxl_ps_ctx;
@@
 cxl_scrub_set_attrbs_device(...)
 {
 <+...
 cxlmd = cxl_ps_ctx->cxlmd;
+if (cycle == cxlmd->scrub_cycle)
+	return 0;
 ...+>
 }
