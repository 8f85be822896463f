// title = "raw Features commands of the memdev's node go through again"
// kind = "revert"
// change = "features-denied-on-raw-path"
// file = "drivers/cxl/core/mbox.c"
// sessions = ["raw-features", "raw-needs-no-capability"]
// since = "7.3"
// why = "a backport resolves the conflict for the shorter list"

@@
symbol cxl_disabled_raw_commands;
@@
 static u16 cxl_disabled_raw_commands[] = {
 	...,
-	CXL_MBOX_OP_GET_SUPPORTED_FEATURES,
-	CXL_MBOX_OP_GET_FEATURE,
-	CXL_MBOX_OP_SET_FEATURE,
 };
