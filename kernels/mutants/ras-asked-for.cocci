// title = "a device without the RAS capability is refused"
// kind = "revert"
// change = "ras-not-asked-for"
// file = "drivers/cxl/pci.c"
// sessions = ["device-without-ras"]
// since = "7.2"
// why = "a backport brings back a check that looks as if it were needed"

@@
identifier cxlds, rc;
@@
 cxl_pci_type3_init_mailbox(struct cxl_dev_state *cxlds)
 {
 	int rc;

+	if (!cxlds->reg_map.device_map.mbox.valid)
+		return -ENODEV;
 	...
 }
