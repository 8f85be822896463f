// title = "the name of an attribute group is printed with a bound"
// kind = "harmless"
// file = "drivers/edac/scrub.c"
// why = "a print without a bound is frowned upon"

@@
expression N;
@@
 scrub_create_desc(...)
 {
 <+...
-sprintf(N,
+scnprintf(N, sizeof(N),
 ...)
 ...+>
 }
