// title = "the response has one return and a condition in it"
// kind = "harmless"
// file = "drivers/fwctl/main.c"
// why = "two returns of a constant are one expression"

@@
expression E;
@@
 ucmd_respond(...)
 {
-if (E)
-	return -EFAULT;
-return 0;
+return E ? -EFAULT : 0;
 }
