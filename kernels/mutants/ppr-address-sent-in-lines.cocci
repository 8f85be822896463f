// title = "post package repair sends the number of the cache line, not its address"
// kind = "break"
// rule = "mailbox-input-changed"
// file = "drivers/cxl/core/edac.c"
// why = "repair works on cache lines"

@@
symbol cxl_ppr_ctx;
@@
 cxl_mem_perform_ppr(...)
 {
 <+...
-cpu_to_le64(cxl_ppr_ctx->dpa)
+cpu_to_le64(cxl_ppr_ctx->dpa >> 6)
 ...+>
 }
