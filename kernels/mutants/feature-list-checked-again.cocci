// title = "an RPC checks that the device has a list of Features"
// kind = "harmless"
// file = "drivers/cxl/core/features.c"
// why = "a node without a list cannot be, but the check costs nothing"

@@
expression cxlfs;
@@
 cxlctl_fw_rpc(...)
 {
 <+...
+if (!cxlfs || !cxlfs->entries)
+	return ERR_PTR(-ENODEV);
 if (!cxlctl_validate_hw_command(cxlfs, ...))
 	return ERR_PTR(-EINVAL);
 ...+>
 }
