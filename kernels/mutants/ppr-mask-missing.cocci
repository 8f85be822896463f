// title = "the nibble mask of post package repair is gone"
// kind = "break"
// rule = "attribute-removed"
// file = "drivers/edac/mem_repair.c"
// why = "a control whose mask cannot be set per row is thought not to need one"

@@
identifier ops;
@@
 mem_repair_attr_visible(...)
 {
 <+...
-if (ops->get_nibble_mask)
+if (ops->get_nibble_mask && ops->get_rank)
 {
 	...
 }
 ...+>
 }
