// title = "Identify Memory Device is served as well"
// kind = "break"
// rule = "call-unblocked"
// file = "drivers/cxl/core/features.c"
// why = "a tool wants to name the device without a second interface, and Identify only reads"

@@
@@
+static void *cxlctl_identify(struct cxl_features_state *cxlfs, size_t *out_len)
+{
+	struct cxl_mailbox *cxl_mbox = &cxlfs->cxlds->cxl_mbox;
+	struct cxl_mbox_identify id;
+	struct fwctl_rpc_cxl_out *rpc_out;
+	struct cxl_mbox_cmd mbox_cmd = {
+		.opcode = CXL_MBOX_OP_IDENTIFY,
+		.size_out = sizeof(id),
+		.payload_out = &id,
+	};
+	int rc;
+
+	rc = cxl_internal_send_cmd(cxl_mbox, &mbox_cmd);
+	if (rc < 0)
+		return ERR_PTR(rc);
+
+	rpc_out = kvzalloc(sizeof(*rpc_out) + sizeof(id), GFP_KERNEL);
+	if (!rpc_out)
+		return ERR_PTR(-ENOMEM);
+
+	rpc_out->size = sizeof(id);
+	memcpy(rpc_out->payload, &id, sizeof(id));
+	*out_len = sizeof(*rpc_out) + sizeof(id);
+
+	return rpc_out;
+}
+
 static void *cxlctl_fw_rpc(...)
 {
 ...
 }

@@
expression cxlfs, opcode;
symbol out_len;
@@
 cxlctl_fw_rpc(...)
 {
 <+...
+if (opcode == CXL_MBOX_OP_IDENTIFY)
+	return cxlctl_identify(cxlfs, out_len);
 if (!cxlctl_validate_hw_command(cxlfs, ..., opcode))
 	return ERR_PTR(-EINVAL);
 ...+>
 }
