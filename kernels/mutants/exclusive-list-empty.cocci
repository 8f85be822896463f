// title = "the kernel keeps no Feature to itself: the kernel of policy footgun"
// kind = "break"
// rule = "set-unblocked"
// file = "drivers/cxl/core/features.c"
// why = "what EDAC controls stays open to fwctl, and EDAC has to live with it"

@@
symbol cxl_exclusive_feats;
@@
 static const uuid_t cxl_exclusive_feats[] = {
-	CXL_FEAT_PATROL_SCRUB_UUID,
-	CXL_FEAT_ECS_UUID,
-	CXL_FEAT_SPPR_UUID,
-	CXL_FEAT_HPPR_UUID,
-	CXL_FEAT_CACHELINE_SPARING_UUID,
-	CXL_FEAT_ROW_SPARING_UUID,
-	CXL_FEAT_BANK_SPARING_UUID,
-	CXL_FEAT_RANK_SPARING_UUID,
 };
