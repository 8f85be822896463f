// title = "an opcode that fwctl does not serve is EOPNOTSUPP"
// kind = "break"
// rule = "errno-changed"
// file = "drivers/cxl/core/features.c"
// why = "an opcode that is not served is no bad argument"

@@
expression opcode;
@@
 cxlctl_fw_rpc(...)
 {
 <+...
+if (opcode < CXL_MBOX_OP_GET_SUPPORTED_FEATURES || opcode > CXL_MBOX_OP_SET_FEATURE)
+	return ERR_PTR(-EOPNOTSUPP);
 if (!cxlctl_validate_hw_command(..., opcode))
 	return ERR_PTR(-EINVAL);
 ...+>
 }
