// title = "a debug line names the opcode of an RPC"
// kind = "harmless"
// file = "drivers/cxl/core/features.c"
// why = "a developer wants to follow what a program asks for"

@@
expression cxlfs, opcode;
@@
 cxlctl_fw_rpc(...)
 {
 <+...
+dev_dbg(cxlfs->cxlds->dev, "fwctl: opcode %#x\n", opcode);
 if (!cxlctl_validate_hw_command(cxlfs, ..., opcode))
 	return ERR_PTR(-EINVAL);
 ...+>
 }
