//! A kernel to boot, a QEMU to boot it with, and the plainest guest. Asserts nothing.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use scrubjay_kernels::{Catalogue, Resolver};
use scrubjay_machine::{Accel, Deadlines, Qemu, Spec, accel};

/// The kernel that the tests boot: `SCRUBJAY_TEST_KERNEL`, else the reference kernel 7.3 as the kernels'
/// resolver finds it. With neither there is nothing to test with, which is a failure.
pub static KERNEL: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(path) = env::var_os("SCRUBJAY_TEST_KERNEL").filter(|path| !path.is_empty()) {
        return path.into();
    }
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernels");
    let catalogue = Catalogue::load(&manifests).expect("the manifests read");
    let manifest = catalogue.get("7.3").expect("there is a manifest for 7.3");
    let found = Resolver::for_user(None).and_then(|resolver| resolver.find(manifest));
    match found.expect("the resolver works") {
        Some(image) => image.bzimage,
        None => panic!(
            "no kernel to boot: `scrubjay kernels build 7.3`, or name an image in SCRUBJAY_TEST_KERNEL, or a \
             directory of images in SCRUBJAY_KERNEL_CACHE"
        ),
    }
});

/// The QEMU that the tests boot with.
pub static QEMU: LazyLock<Qemu> = LazyLock::new(|| Qemu::find().expect("a QEMU is needed"));

/// How they boot.
pub static ACCEL: LazyLock<Accel> =
    LazyLock::new(|| accel::choose(&QEMU, &KERNEL).expect("SCRUBJAY_ACCEL is right").accel);

/// A guest with the agent and no device.
pub fn spec() -> Spec {
    Spec::new(&*KERNEL, *ACCEL)
}

/// The deadlines for it.
pub fn deadlines() -> Deadlines {
    Deadlines::new(*ACCEL, 2)
}
