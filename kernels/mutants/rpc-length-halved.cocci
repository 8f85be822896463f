// title = "the longest RPC is 1 MiB"
// kind = "break"
// rule = "framing-tightened"
// file = "drivers/fwctl/main.c"
// why = "no mailbox takes more than 1 MiB, so more looks useless"

@@
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-MAX_RPC_LEN
+(MAX_RPC_LEN / 2)
 ...+>
 }
