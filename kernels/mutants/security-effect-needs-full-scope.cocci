// title = "a change of the security state needs full scope, even after a reset"
// kind = "break"
// rule = "scope-tightened"
// file = "drivers/cxl/core/features.c"
// why = "a lock that nobody can undo should need the capability"

@@
symbol false;
symbol effects, scope;
@@
 cxlctl_validate_set_features(...)
 {
 <+...
+if (effects & CXL_CMD_SECURITY_STATE_CHANGE && scope < FWCTL_RPC_DEBUG_WRITE_FULL)
+	return false;
 if (effects & CXL_CMD_BACKGROUND)
 	return false;
 ...+>
 }
