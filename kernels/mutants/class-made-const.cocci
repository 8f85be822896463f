// title = "the device class is constant"
// kind = "harmless"
// file = "drivers/fwctl/main.c"
// why = "the driver core no longer writes to it"

@@
symbol fwctl_class;
@@
-static struct class fwctl_class
+static const struct class fwctl_class
 = { ... };
