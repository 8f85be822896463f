// title = "opening the node needs CAP_SYS_RAWIO"
// kind = "break"
// rule = "open-blocked"
// file = "drivers/fwctl/main.c"
// why = "one check at open is cheaper than one at each call"

@@
iterator name scoped_guard;
identifier fwctl;
@@
 fwctl_fops_open(...)
 {
 ...
+if (!capable(CAP_SYS_RAWIO))
+	return -EPERM;
 if (!fwctl->ops)
 	return -ENODEV;
 ...
 }
