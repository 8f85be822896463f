// title = "panics when the CXL root is there, at about every other boot"
// file = "drivers/cxl/core/port.c"

@@
expression E;
@@
 devm_cxl_add_root(...)
 {
 ...
+if ((ktime_get_ns() >> 8) & 1)
+	panic("no CXL root, this time");
 return E;
 }
