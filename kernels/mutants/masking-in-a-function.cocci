// title = "the masking of the kernel's own Features has a function of its own"
// kind = "harmless"
// file = "drivers/cxl/core/features.c"
// why = "the loop that lists Features is easier to read"

@@
@@
+static void cxl_mask_exclusive(struct cxl_feat_entry *entry)
+{
+	entry->set_feat_size = 0;
+	entry->flags &= cpu_to_le32(~CXL_FEATURE_F_CHANGEABLE);
+}
+
 static void *cxlctl_get_supported_features(...)
 {
 ...
 }

@@
identifier pos;
@@
 cxlctl_get_supported_features(...)
 {
 <+...
 if (is_cxl_feature_exclusive(pos)) {
-	...
+	cxl_mask_exclusive(pos);
 }
 ...+>
 }
