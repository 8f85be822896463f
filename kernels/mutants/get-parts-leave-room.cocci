// title = "a part of a long Get leaves room for the command's own input"
// kind = "break"
// rule = "mailbox-command-added"
// file = "drivers/cxl/core/features.c"
// why = "a Set has its header in the payload, so a Get is thought to have one too"

@@
identifier cxl_mbox, pi;
@@
 cxl_get_feature(struct cxl_mailbox *cxl_mbox, ...)
 {
 ...
 struct cxl_mbox_get_feat_in pi;
 <+...
-cxl_mbox->payload_size
+(cxl_mbox->payload_size - sizeof(pi))
 ...+>
 }
