//! Archives and what is in them: tarballs and packages of every compression, and kernel modules.

use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_kernels::Silent;
use scrubjay_kernels::modules::Needs;
use scrubjay_kernels::unpack::{kernel_tree, package_files};

/// What an archive is called, by the first byte of an input; the rest is the archive.
const NAMES: [&str; 6] = ["a.tar", "a.tar.xz", "a.tar.gz", "a.tar.zst", "a.deb", "a.deb"];

/// An archive, unpacked as a kernel's source and as a kernel's package; nothing may lie beside the folder afterwards, nor in
/// those above it.
pub fn archive(data: &[u8]) {
    let Some((first, archive)) = data.split_first() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let above = dir.path().join("above");
    let beside = above.join("beside");
    let (dest, other) = (beside.join("dest"), beside.join("other"));
    fs::create_dir_all(&dest).expect("a folder in it");
    fs::create_dir(&other).expect("a folder in it");
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let path = beside.join(name);
    fs::write(&path, archive).expect("a file in it");
    let _ = kernel_tree(&path, &dest, &mut Silent);
    if name == "a.deb" {
        let _ = package_files(&path, &dest, &|path| Some(PathBuf::from("files").join(path)), &mut Silent);
    }
    assert_eq!(names_in(dir.path()), ["above"], "something lies two folders above");
    assert_eq!(names_in(&above), ["beside"], "something lies in the folder above");
    assert_eq!(names_in(&beside), [name, "dest", "other"], "something lies beside the folder");
    assert_eq!(names_in(&other), [""; 0], "something lies in another folder");
    assert_eq!(fs::read(&path).expect("still there"), archive, "the archive was written to");
}

fn names_in(dir: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> =
        fs::read_dir(dir).expect("still there").map(|entry| name(entry.expect("read"))).collect();
    names.sort();
    names
}

/// What a kernel module says that it needs.
pub fn module(data: &[u8]) {
    let _ = Needs::of(data);
}
