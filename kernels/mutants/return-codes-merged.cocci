// title = "every refusal of a Get comes back as an internal error"
// kind = "break"
// rule = "retval-changed"
// file = "drivers/cxl/core/features.c"
// why = "the codes of the mailbox are held to be no business of a program"

@@
identifier rpc_out;
symbol return_code;
@@
 cxlctl_get_feature(...)
 {
 <+...
 rpc_out->retval =
-	return_code
+	return_code ? CXL_MBOX_CMD_RC_INTERNAL : CXL_MBOX_CMD_RC_SUCCESS
 ;
 ...+>
 }
