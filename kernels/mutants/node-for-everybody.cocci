// title = "the node has mode 0666"
// kind = "break"
// rule = "node-mode-changed"
// file = "drivers/fwctl/main.c"
// why = "the scopes are there to decide what a program may do, so anybody may ask"

@@
identifier dev, mode;
@@
 fwctl_devnode(const struct device *dev, umode_t *mode)
 {
+if (mode)
+	*mode = 0666;
 return ...;
 }
