// title = "the device is identified before its clock is set"
// kind = "break"
// rule = "mailbox-order-changed"
// file = "drivers/cxl/pci.c"
// sessions = ["probe-traffic"]
// why = "the clock belongs to the events, which are set up later"

@clock@
identifier rc, mds;
@@
 cxl_pci_probe(...)
 {
 <+...
-rc = cxl_set_timestamp(mds);
-if (rc)
-	return rc;
 ...+>
 }

@@
identifier clock.rc, clock.mds;
@@
 cxl_pci_probe(...)
 {
 <+...
 rc = cxl_dev_state_identify(mds);
 if (rc)
 	return rc;
+rc = cxl_set_timestamp(mds);
+if (rc)
+	return rc;
 ...+>
 }
