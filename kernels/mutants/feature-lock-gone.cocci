// title = "Get and Set of a Feature no longer wait for each other"
// kind = "revert"
// change = "transfers-kept-whole"
// file = "drivers/cxl/core/features.c"
// since = "7.2"
// why = "each command is already locked in the mailbox, so a second lock looks idle"

@@
identifier fn = {cxl_get_feature, cxl_set_feature};
identifier m;
symbol mutex;
@@
 fn(...)
 {
 ...
-guard(mutex)(&m->feat_mutex);
 ...
 }
