// title = "calls a function that is declared nowhere"
// file = "drivers/cxl/core/features.c"

@@
@@
 cxlctl_open_uctx(...)
 {
+nobody_declares_this();
 ...
 }
