// title = "a Feature whose Set runs in the background can be set"
// kind = "break"
// rule = "set-unblocked"
// file = "drivers/cxl/core/features.c"
// why = "the mailbox waits for background commands anyway"

@@
symbol false;
symbol effects;
@@
 cxlctl_validate_set_features(...)
 {
 <+...
-if (effects & CXL_CMD_BACKGROUND)
-	return false;
 ...+>
 }
