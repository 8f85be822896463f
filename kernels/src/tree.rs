//! What modules are built against: a part of the source and of the objects of a kernel, in one tree.
//!
//! Copies and reads; runs no make.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::CacheError;
use crate::sign;

/// Raised when the kept part changes, so that older trees are not taken.
pub(crate) const SCHEME: u32 = 2;

/// The directories whose modules are built anew, each with all below it by one run of make.
pub(crate) const UNITS: [&str; 3] = ["drivers/cxl", "drivers/edac", "drivers/fwctl"];

/// Below the source. Headers of device trees (`include/dt-bindings`) serve no x86 module.
const SOURCE: [&str; 6] =
    ["Makefile", "Kbuild", "arch/x86/Makefile", "arch/x86/include", "include", "scripts"];
/// Below the objects. The programs among them run on this machine.
const OBJECTS: [&str; 9] = [
    ".config",
    "Module.symvers",
    "arch/x86/include/generated",
    sign::CERTIFICATE,
    sign::KEY,
    "include/config",
    "include/generated",
    "scripts",
    "tools/objtool/objtool",
];
/// Parts of `scripts` and `include` that no module is built with.
const NOT_NEEDED: [&str; 5] =
    ["scripts/coccinelle", "scripts/dtc", "scripts/kconfig", "scripts/selinux", "include/dt-bindings"];

/// Copies from a source tree and the objects built from it what modules are built against, and the units' sources as
/// they are.
pub(crate) fn keep(source: &Path, objects: &Path, to: &Path) -> Result<(), CacheError> {
    let copies = SOURCE.iter().chain(&UNITS).map(|name| (source, *name));
    for (from, name) in copies.chain(OBJECTS.iter().map(|name| (objects, *name))) {
        if from.join(name).exists() {
            copy(&from.join(name), &to.join(name), &|path| {
                let path = path.strip_prefix(from).unwrap_or(path);
                !NOT_NEEDED.iter().any(|not| path.starts_with(not)) && !is_by_product(path)
            })?;
        }
    }
    Ok(())
}

/// What make leaves beside the programs that it builds for itself.
fn is_by_product(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    (name.starts_with('.') && name.ends_with(".cmd")) || name.ends_with(".o")
}

/// Copies a file, or a directory with all in it that is wanted; links stay links, and times stay as they are, so that
/// make builds nothing anew because of a copy.
pub(crate) fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<(), CacheError> {
    if !wanted(from) {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(CacheError::io("make the directory", parent))?;
    }
    let kind = fs::symlink_metadata(from).map_err(CacheError::io("read", from))?;
    if kind.is_dir() {
        fs::create_dir_all(to).map_err(CacheError::io("make the directory", to))?;
        for entry in fs::read_dir(from).map_err(CacheError::io("read the directory", from))? {
            let name = entry.map_err(CacheError::io("read the directory", from))?.file_name();
            copy(&from.join(&name), &to.join(&name), wanted)?;
        }
        return Ok(());
    }
    let copied = if kind.is_symlink() {
        fs::read_link(from).and_then(|target| std::os::unix::fs::symlink(target, to))
    } else {
        fs::copy(from, to).and_then(|_| fs::File::open(to)?.set_modified(kind.modified()?))
    };
    copied.map_err(CacheError::io("copy", from))
}

/// The units' directory that a file belongs to, and the rest of its path.
pub(crate) fn unit_of(file: &Path) -> Option<(&'static str, PathBuf)> {
    UNITS.iter().find_map(|unit| Some((*unit, file.strip_prefix(unit).ok()?.to_owned())))
}
