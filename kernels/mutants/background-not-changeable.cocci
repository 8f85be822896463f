// title = "a Feature whose Set runs in the background is listed as not changeable"
// kind = "break"
// rule = "feature-not-changeable"
// file = "drivers/cxl/core/features.c"
// why = "such a Set is refused anyway, so the list should say so"

@@
identifier pos;
expression src;
@@
 cxlctl_get_supported_features(...)
 {
 <+...
 memcpy(pos, src, sizeof(*pos));
+if (le16_to_cpu(pos->effects) & CXL_CMD_BACKGROUND)
+	pos->flags &= cpu_to_le32(~CXL_FEATURE_F_CHANGEABLE);
 ...+>
 }
