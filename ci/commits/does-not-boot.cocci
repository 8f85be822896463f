// title = "panics when the CXL root is there"
// file = "drivers/cxl/core/port.c"

@@
expression E;
@@
 devm_cxl_add_root(...)
 {
 ...
+panic("no CXL root");
 return E;
 }
