// title = "a Set of the kernel's own Features is EINVAL"
// kind = "break"
// rule = "errno-changed"
// file = "drivers/cxl/core/features.c"
// why = "every other refusal of a Set is EINVAL"

@@
@@
 cxlctl_set_feature(...)
 {
 <+...
-ERR_PTR(-EPERM)
+ERR_PTR(-EINVAL)
 ...+>
 }
