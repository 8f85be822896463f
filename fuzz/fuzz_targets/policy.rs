//! Fuzzes [`scrubjay_fuzz::files::policy`].
#![no_main]

libfuzzer_sys::fuzz_target!(init: scrubjay_fuzz::bound_memory(), |data: &[u8]| scrubjay_fuzz::files::policy(data));
