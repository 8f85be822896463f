// title = "a command that the firmware wants again is sent again"
// kind = "break"
// rule = "mailbox-command-added"
// file = "drivers/cxl/core/mbox.c"
// why = "the return code asks for it, and no caller does it"

@@
identifier mbox_cmd, cxl_mbox, rc;
@@
 cxl_internal_send_cmd(struct cxl_mailbox *cxl_mbox, struct cxl_mbox_cmd *mbox_cmd)
 {
 <+...
 rc = cxl_mbox->mbox_send(cxl_mbox, mbox_cmd);
+if (!rc && mbox_cmd->return_code == CXL_MBOX_CMD_RC_RETRY)
+	rc = cxl_mbox->mbox_send(cxl_mbox, mbox_cmd);
 ...+>
 }
