// title = "a removed device leaves its descriptors working"
// kind = "break"
// rule = "descriptor-outlives-device"
// file = "drivers/fwctl/main.c"
// sessions = ["remove-the-function"]
// why = "the last close is thought to be the place to take a context apart"

@@
identifier fwctl, uctx;
statement S;
expression E;
@@
 fwctl_unregister(struct fwctl_device *fwctl)
 {
-struct fwctl_uctx *uctx;
 ...
-while (E) S
-fwctl->ops = NULL;
 }
