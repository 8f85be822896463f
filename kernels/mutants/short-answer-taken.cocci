// title = "an answer shorter than the command wants is taken"
// kind = "break"
// rule = "get-changed"
// file = "drivers/cxl/core/mbox.c"
// why = "the caller is told how long the answer is"

@@
identifier mbox_cmd, min_out;
@@
 cxl_internal_send_cmd(...)
 {
 <+...
-if (mbox_cmd->size_out < min_out)
-	return -EIO;
 ...+>
 }
