// title = "the list of the kernel's own Features is searched from its end"
// kind = "harmless"
// file = "drivers/cxl/core/features.c"
// why = "a loop is written in another way and looks at the same elements"

@@
identifier i;
symbol cxl_exclusive_feats;
statement S;
@@
 is_cxl_feature_exclusive_by_uuid(...)
 {
-for (int i = 0; i < ARRAY_SIZE(cxl_exclusive_feats); i++)
+for (int i = ARRAY_SIZE(cxl_exclusive_feats) - 1; i >= 0; i--)
 S
 ...
 }
