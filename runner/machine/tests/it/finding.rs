//! Which QEMU is taken, and what is said when there is none to take.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rstest::rstest;
use scrubjay_machine::{Places, Qemu, QemuError};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn program(name: &str) -> PathBuf {
    fixture(name).join("qemu-system-x86_64")
}

fn find(named: Option<&str>, path: Option<&str>, private: Option<&str>) -> Result<Qemu, QemuError> {
    Qemu::find_in(&Places {
        named: named.map(program),
        path: path.map_or_else(OsString::new, |name| fixture(name).into()),
        private: private.map(program),
    })
}

#[rstest]
#[case::in_the_path(None, Some("fit"), Some("old"))]
#[case::private_where_the_path_has_none(None, None, Some("fit"))]
#[case::private_where_the_paths_is_old(None, Some("old"), Some("fit"))]
#[case::private_where_the_paths_lacks_vfio_user(None, Some("without-vfio-user"), Some("fit"))]
#[case::named_before_all(Some("fit"), Some("old"), Some("old"))]
fn the_qemu_that_is_fit_is_taken(
    #[case] named: Option<&str>,
    #[case] path: Option<&str>,
    #[case] private: Option<&str>,
) {
    let qemu = find(named, path, private).unwrap();
    assert_eq!(qemu.path(), program("fit"));
    assert_eq!(qemu.version().to_string(), "10.1.0");
}

#[rstest]
#[case::none(None, None, None, "neither in PATH nor")]
#[case::none_private_either(None, None, Some("not-installed"), "not-installed")]
#[case::old(None, Some("old"), None, "QEMU 7.2.0, and 10.1.0 or newer is needed")]
#[case::without_vfio_user(None, Some("without-vfio-user"), None, "was built without vfio-user-pci")]
#[case::no_qemu(None, Some("babbling"), None, "`--version` says `hello`")]
#[case::broken(None, Some("broken"), None, "libslirp.so.0")]
#[case::named_and_not_there(Some("not-installed"), Some("fit"), Some("fit"), "cannot be run")]
#[case::named_and_old(Some("old"), Some("fit"), Some("fit"), "7.2.0")]
fn a_qemu_that_cannot_be_used_is_said_with_what_to_do(
    #[case] named: Option<&str>,
    #[case] path: Option<&str>,
    #[case] private: Option<&str>,
    #[case] said: &str,
) {
    let error = find(named, path, private).unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
    assert!(error.contains("ci/setup") && error.contains("SCRUBJAY_QEMU"), "{error}");
}
