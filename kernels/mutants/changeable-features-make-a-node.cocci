// title = "a device gets a node only for a Feature that can be changed"
// kind = "break"
// rule = "node-missing"
// file = "drivers/cxl/core/features.c"
// why = "a node through which nothing can be changed looks useless"

@@
expression entry;
symbol user_feats;
@@
 get_supported_features(...)
 {
 <+...
-if (!is_cxl_feature_exclusive(entry))
+if (!is_cxl_feature_exclusive(entry) &&
+    le32_to_cpu((entry)->flags) & CXL_FEATURE_F_CHANGEABLE)
 	user_feats++;
 ...+>
 }
