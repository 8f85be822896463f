// title = "the mailbox lock is a guard and not a pair of calls"
// kind = "harmless"
// file = "drivers/cxl/pci.c"
// why = "a guard cannot be forgotten on one way out"

@@
identifier cxl_mbox, cmd, rc;
@@
 cxl_pci_mbox_send(struct cxl_mailbox *cxl_mbox, struct cxl_mbox_cmd *cmd)
 {
-int rc;
(
-mutex_lock(&cxl_mbox->mbox_mutex);
|
-mutex_lock_io(&cxl_mbox->mbox_mutex);
)
-rc = __cxl_pci_mbox_send_cmd(cxl_mbox, cmd);
-mutex_unlock(&cxl_mbox->mbox_mutex);
-return rc;
+guard(mutex)(&cxl_mbox->mbox_mutex);
+return __cxl_pci_mbox_send_cmd(cxl_mbox, cmd);
 }
