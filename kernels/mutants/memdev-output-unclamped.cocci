// title = "a command of the memdev's node allocates what out.size names"
// kind = "revert"
// change = "memdev-output-clamped"
// file = "drivers/cxl/core/mbox.c"
// sessions = ["memdev-identify-huge-out"]
// since = "7.2"
// why = "a backport is taken back because its neighbour failed"

@@
expression cmd, size, mbox;
@@
 cxl_mbox_cmd_ctor(...)
 {
 <+...
-cmd->size_out = min_t(size_t, size, mbox->payload_size);
+if (size == CXL_VARIABLE_PAYLOAD)
+	cmd->size_out = mbox->payload_size;
+else
+	cmd->size_out = size;
 ...+>
 }
