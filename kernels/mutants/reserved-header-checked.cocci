// title = "flags and the reserved word of an RPC have to be zero"
// kind = "break"
// rule = "framing-tightened"
// file = "drivers/cxl/core/features.c"
// why = "the header says that they must be, and only then can they get a meaning"

@@
expression cxlfs, rpc_in;
@@
 cxlctl_fw_rpc(...)
 {
 <+...
+if (rpc_in->flags || rpc_in->reserved1)
+	return ERR_PTR(-EINVAL);
 if (!cxlctl_validate_hw_command(cxlfs, rpc_in, ...))
 	return ERR_PTR(-EINVAL);
 ...+>
 }
