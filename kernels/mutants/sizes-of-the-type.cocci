// title = "the size of a structure is taken of its type"
// kind = "harmless"
// file = "drivers/fwctl/main.c"
// why = "the reader sees which structure is meant"

@@
identifier cmd;
@@
 fwctl_cmd_info(...)
 {
 <+...
-sizeof(*cmd)
+sizeof(struct fwctl_info)
 ...+>
 }

@@
identifier cmd;
@@
 fwctl_cmd_rpc(...)
 {
 <+...
-sizeof(*cmd)
+sizeof(struct fwctl_rpc)
 ...+>
 }
