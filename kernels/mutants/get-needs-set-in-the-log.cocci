// title = "Get is refused on a device without Set Feature"
// kind = "break"
// rule = "get-blocked"
// file = "drivers/cxl/core/features.c"
// why = "one check in front of the switch is shorter than two inside"

@@
identifier cxl_mbox;
@@
 cxlctl_validate_hw_command(...)
 {
 <+...
-cxl_mbox->feat_cap >= CXL_FEATURES_RO
+cxl_mbox->feat_cap >= CXL_FEATURES_RW
 ...+>
 }
