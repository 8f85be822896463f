// title = "an immediate effect is allowed from debug write"
// kind = "break"
// rule = "scope-loosened"
// file = "drivers/cxl/core/features.c"
// why = "both branches look alike and are merged"

@@
symbol scope;
@@
 cxlctl_validate_set_features(...)
 {
 <+...
-scope >= FWCTL_RPC_DEBUG_WRITE_FULL
+scope >= FWCTL_RPC_DEBUG_WRITE
 ...+>
 }
