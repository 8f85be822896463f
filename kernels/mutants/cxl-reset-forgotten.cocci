// title = "an effect after a CXL reset does not count as one"
// kind = "break"
// rule = "set-blocked"
// file = "drivers/cxl/core/features.c"
// why = "the documentation names cold and conventional resets only"

@@
symbol reset_mask;
expression M;
@@
 cxlctl_validate_set_features(...)
 {
 <+...
 reset_mask =
-	M | CXL_CMD_CONFIG_CHANGE_CXL_RESET
+	M
 ;
 ...+>
 }
