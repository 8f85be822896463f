// title = "an effect after a reset needs full scope"
// kind = "break"
// rule = "scope-tightened"
// file = "drivers/cxl/core/features.c"
// why = "what comes after a reset is no less of a change"

@@
symbol scope;
@@
 cxlctl_validate_set_features(...)
 {
 <+...
-scope >= FWCTL_RPC_DEBUG_WRITE
+scope >= FWCTL_RPC_DEBUG_WRITE_FULL
 ...+>
 }
