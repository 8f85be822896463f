//! The book's page on the device says what is so.

use std::path::{Path, PathBuf};

use rstest::rstest;
use scrubjay_device::register_tables;
use scrubjay_session::cxl::profile::Profile;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn book() -> String {
    std::fs::read_to_string(root().join("docs/device.md")).unwrap()
}

#[rstest]
fn the_books_profile_can_be_used_and_its_mistake_is_told_as_the_book_says() {
    let book = book();
    let example = book.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let path = Path::new("vectors/devices/example.json");
    Profile::parse(example, path).unwrap();
    let mistaken = example.replacen("a861000028230000", "a86100002823000000", 1);
    let error = Profile::parse(&mistaken, path).unwrap_err().to_string();
    assert!(book.contains(&error), "{error}");
}

#[rstest]
fn the_book_has_the_register_tables_of_the_vendor_profile() {
    let profile = Profile::load(&root().join("vectors/devices/vendor.json")).unwrap();
    assert!(
        book().ends_with(&register_tables(&profile)),
        "docs/device.md does not end with what `cargo run -p scrubjay-device --example registers -- \
         vectors/devices/vendor.json` prints"
    );
}
