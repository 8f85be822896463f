// title = "an effect after a reset suffices for debug write, whatever else there is"
// kind = "break"
// rule = "scope-loosened"
// file = "drivers/cxl/core/features.c"
// why = "the condition is written down by what is allowed, not by what is not"

@@
symbol effects, imm_mask, reset_mask, scope;
@@
 cxlctl_validate_set_features(...)
 {
 <+...
-!(effects & imm_mask) && scope >= FWCTL_RPC_DEBUG_WRITE
+(effects & reset_mask) && scope >= FWCTL_RPC_DEBUG_WRITE
 ...+>
 }
