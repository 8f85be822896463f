// title = "setting the scrub cycle switches scrubbing on"
// kind = "break"
// rule = "mailbox-input-changed"
// file = "drivers/cxl/core/edac.c"
// why = "who sets a cycle is thought to want it to run"

@@
symbol wr_cycle, flags;
expression A, B;
@@
 cxl_patrol_scrub_set_scrub_cycle(...)
 {
 <+...
 cxl_scrub_set_attrbs(A, B, wr_cycle,
-	flags
+	flags | CXL_SCRUB_CONTROL_ENABLE
 )
 ...+>
 }
