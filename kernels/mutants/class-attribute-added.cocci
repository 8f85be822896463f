// title = "the class directory has an attribute device_type"
// kind = "break"
// rule = "attribute-added"
// file = "drivers/fwctl/main.c"
// why = "a script wants to know the type of a device without an ioctl"

@@
symbol fwctl_class;
@@
+static ssize_t device_type_show(struct device *dev,
+				struct device_attribute *attr, char *buf)
+{
+	struct fwctl_device *fwctl =
+		container_of(dev, struct fwctl_device, dev);
+
+	return sysfs_emit(buf, "%u\n", fwctl->ops->device_type);
+}
+
+static struct device_attribute dev_attr_device_type = __ATTR_RO(device_type);
+
+static struct attribute *fwctl_attrs[] = {
+	&dev_attr_device_type.attr,
+	NULL
+};
+
+static const struct attribute_group fwctl_group = { .attrs = fwctl_attrs };
+
+static const struct attribute_group *fwctl_groups[] = { &fwctl_group, NULL };
+
 static struct class fwctl_class = {
 	.name = "fwctl",
+	.dev_groups = fwctl_groups,
 };
