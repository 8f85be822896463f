// title = "a start index just behind the last Feature gives an empty page"
// kind = "break"
// rule = "get-unblocked"
// file = "drivers/cxl/core/features.c"
// why = "a program that pages wants to end on an empty page, not on an error"

@@
symbol start;
expression N;
@@
 cxlctl_get_supported_features(...)
 {
 <+...
-start >= N
+start > N
 ...+>
 }
