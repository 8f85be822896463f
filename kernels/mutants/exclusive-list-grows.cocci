// title = "a vendor Feature joins those that the kernel keeps to itself"
// kind = "break"
// rule = "set-blocked"
// file = "drivers/cxl/core/features.c"
// why = "the kernel gains an interface of its own for what the Feature controls"

@@
symbol cxl_exclusive_feats;
@@
 static const uuid_t cxl_exclusive_feats[] = {
 	...,
 	CXL_FEAT_RANK_SPARING_UUID,
+	UUID_INIT(0xcfe5ef31, 0xfccc, 0x55f9, 0xaa, 0x9d, 0xc0, 0x8e, 0x60, 0xb2, 0x96, 0xbf),
 };
