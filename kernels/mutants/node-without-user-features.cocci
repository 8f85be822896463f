// title = "a device with the kernel's own Features only gets a node too"
// kind = "break"
// rule = "node-appeared"
// file = "drivers/cxl/core/features.c"
// why = "reading them is allowed, so there is something to do with a node"

@@
identifier cxlfs;
@@
 devm_cxl_setup_fwctl(...)
 {
 <+...
-if (!cxlfs->entries->num_user_features)
-	return -ENODEV;
 ...+>
 }
