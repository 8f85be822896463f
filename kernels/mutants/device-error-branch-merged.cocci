// title = "the check of a mailbox return code is nested"
// kind = "harmless"
// file = "drivers/cxl/core/mbox.c"
// why = "success is the common case and is asked for first"

@@
identifier mbox_cmd;
@@
 cxl_internal_send_cmd(...)
 {
 <+...
-if (mbox_cmd->return_code != CXL_MBOX_CMD_RC_SUCCESS &&
-    mbox_cmd->return_code != CXL_MBOX_CMD_RC_BACKGROUND)
-	return cxl_mbox_cmd_rc2errno(mbox_cmd);
+if (mbox_cmd->return_code != CXL_MBOX_CMD_RC_SUCCESS) {
+	if (mbox_cmd->return_code != CXL_MBOX_CMD_RC_BACKGROUND)
+		return cxl_mbox_cmd_rc2errno(mbox_cmd);
+}
 ...+>
 }
