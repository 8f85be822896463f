//! The book's register tables are the device's.

use std::path::Path;

use rstest::rstest;
use scrubjay_device::register_tables;
use scrubjay_session::profile::Profile;

#[rstest]
fn the_book_has_the_register_tables_of_the_vendor_profile() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let profile = Profile::load(&root.join("vectors/devices/vendor.json")).unwrap();
    let book = std::fs::read_to_string(root.join("docs/device.md")).unwrap();
    assert!(
        book.ends_with(&register_tables(&profile)),
        "docs/device.md does not end with what `cargo run -p scrubjay-device --example registers -- \
         vectors/devices/vendor.json` prints"
    );
}
