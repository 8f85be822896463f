// title = "a long Set that fails is aborted"
// kind = "break"
// rule = "mailbox-command-added"
// file = "drivers/cxl/core/features.c"
// why = "a device should not be left in the middle of a transfer"

@@
identifier cxl_mbox, mbox_cmd;
symbol rc, feat_flag, hdr_size, data_in_size, feat_data_size, return_code, pi;
@@
 cxl_set_feature(struct cxl_mailbox *cxl_mbox, ...)
 {
 <+...
 rc = cxl_internal_send_cmd(cxl_mbox, &mbox_cmd);
 if (rc < 0) {
 	if (return_code)
 		*return_code = mbox_cmd.return_code;
+	if (data_in_size < feat_data_size) {
+		pi->flags = cpu_to_le32(feat_flag | CXL_SET_FEAT_FLAG_ABORT_DATA_TRANSFER);
+		mbox_cmd = (struct cxl_mbox_cmd) {
+			.opcode = CXL_MBOX_OP_SET_FEATURE,
+			.size_in = hdr_size,
+			.payload_in = pi,
+		};
+		cxl_internal_send_cmd(cxl_mbox, &mbox_cmd);
+	}
 	return rc;
 }
 ...+>
 }
