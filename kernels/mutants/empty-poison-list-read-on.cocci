// title = "a poison list of no records is asked for again while the device says that there are more"
// kind = "revert"
// change = "poison-list-ends"
// file = "drivers/cxl/core/mbox.c"
// sessions = ["poison-list-that-says-more-and-has-none"]
// since = "7.2"
// why = "a backport is taken back because its neighbour failed"

@@
expression po;
@@
 cxl_mem_get_poison(...)
 {
 <+...
-!le16_to_cpu(po->count)
+false
 ...+>
 }
