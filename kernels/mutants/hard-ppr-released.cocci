// title = "hard PPR is no longer the kernel's own"
// kind = "break"
// rule = "set-unblocked"
// file = "drivers/cxl/core/features.c"
// why = "the kernel has no interface for hard PPR, so keeping it helps nobody"

@@
symbol cxl_exclusive_feats;
@@
 static const uuid_t cxl_exclusive_feats[] = {
 	...,
-	CXL_FEAT_HPPR_UUID,
 	...,
 };
