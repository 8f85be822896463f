// title = "a list that the firmware breaks off is kept as far as it came"
// kind = "break"
// rule = "node-appeared"
// file = "drivers/cxl/core/features.c"
// sessions = ["list-that-shrinks"]
// why = "some Features are better than none"

@@
symbol rc, start, count;
@@
 get_supported_features(...)
 {
 <+...
 if (rc < 0)
-	return NULL;
+{
+	if (!start)
+		return NULL;
+	count = start;
+	break;
+}
 ...+>
 }
