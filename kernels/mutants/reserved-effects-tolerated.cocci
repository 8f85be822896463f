// title = "reserved effects are no reason to refuse a Set"
// kind = "break"
// rule = "set-unblocked"
// file = "drivers/cxl/core/features.c"
// sessions = ["set-reserved-effects"]
// why = "newer devices name effects that the kernel does not know yet"

@@
symbol false;
symbol effects;
@@
 cxlctl_validate_set_features(...)
 {
 <+...
-if (effects & CXL_CMD_EFFECTS_RESERVED) {
-	...
-	return false;
-}
 ...+>
 }
