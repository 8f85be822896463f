//! Archives and what is in them: tarballs and packages of every compression, and kernel modules.

use std::fs;
use std::path::PathBuf;

use scrubjay_kernels::Silent;
use scrubjay_kernels::modules::Needs;
use scrubjay_kernels::unpack::{kernel_tree, package_files};

/// What an archive is called, by the first byte of an input; the rest is the archive.
const NAMES: [&str; 6] = ["a.tar", "a.tar.xz", "a.tar.gz", "a.tar.zst", "a.deb", "a.deb"];

/// An archive, unpacked as a kernel's source and as a kernel's package; beside the folder must be nothing afterwards.
pub fn archive(data: &[u8]) {
    let Some((first, archive)) = data.split_first() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let (dest, other) = (dir.path().join("dest"), dir.path().join("other"));
    fs::create_dir(&dest).expect("a folder in it");
    fs::create_dir(&other).expect("a folder in it");
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let path = dir.path().join(name);
    fs::write(&path, archive).expect("a file in it");
    let _ = kernel_tree(&path, &dest, &mut Silent);
    if name == "a.deb" {
        let _ = package_files(&path, &dest, &|path| Some(PathBuf::from("files").join(path)), &mut Silent);
    }
    let mut beside: Vec<_> =
        fs::read_dir(dir.path()).expect("still there").map(|e| e.expect("read").file_name()).collect();
    beside.sort();
    assert_eq!(beside, [name, "dest", "other"], "something lies beside the folder");
    assert_eq!(fs::read_dir(&other).expect("still there").count(), 0, "something lies in another folder");
    assert_eq!(fs::read(&path).expect("still there"), archive, "the archive was written to");
}

/// What a kernel module says that it needs.
pub fn module(data: &[u8]) {
    let _ = Needs::of(data);
}
