//! From packages, and from a machine's own directories, to a kernel in the cache's entry.
//!
//! Unpacks what is needed; what that has to be is `parts`'.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::installed::Installed;
use super::layout;
use super::packages::{Package, Packages};
use super::parts::{self, Parts};
use crate::cache::CacheError;
use crate::error::KernelError;
use crate::progress::Progress;
use crate::unpack;

/// Takes the kernel out of the packages into `entry_dir`, by way of `scratch`; both exist and are empty. Gives the
/// places of its modules below the entry, in the order of loading. Where the config says that there is no fwctl,
/// modules are left where they are.
///
/// # Errors
/// [`KernelError::Unpack`] and [`KernelError::Packages`] name the package or what does not fit.
pub(crate) fn packages(
    packages: &Packages,
    id: &str,
    scratch: &Path,
    entry_dir: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<PathBuf>, KernelError> {
    let wrong = |what: String| KernelError::Packages { id: id.to_owned(), what };
    let length = |package: &&Package| fs::metadata(&package.path).map_or(u64::MAX, |kind| kind.len());
    // The small ones have the image and its config.
    let mut by_size: Vec<&Package> = packages.all.iter().collect();
    by_size.sort_by_key(length);
    for package in by_size {
        if told_absent(scratch)? {
            break;
        }
        // Each config is read once.
        let known = RefCell::new(BTreeMap::<String, bool>::new());
        let absent = |version: &str| -> bool {
            let mut known = known.borrow_mut();
            known.get(version).copied().unwrap_or_else(|| {
                let Some(config) = part(&scratch.join(version), layout::CONFIG) else { return false };
                *known.entry(version.to_owned()).or_insert_with(|| parts::says_no_fwctl(&config))
            })
        };
        // Two packages may both have the same list of what is built in.
        let again = |place: &Path| place.ends_with(layout::BUILT_IN) && scratch.join(place).exists();
        let is_wanted = |place: &PathBuf| !layout::of_modules(place).is_some_and(absent) && !again(place);
        let wanted = |path: &Path| layout::place(path).filter(is_wanted);
        unpack::package_files(&package.path, scratch, &wanted, progress)?;
    }
    let versions = versions(scratch)?;
    let with_image: Vec<&String> =
        versions.iter().filter(|version| part(&scratch.join(version), layout::IMAGE).is_some()).collect();
    let version = match with_image.as_slice() {
        [one] => *one,
        [] => {
            return Err(wrong("no vmlinuz in its packages, neither in boot nor in lib/modules".to_owned()));
        }
        several => {
            let names: Vec<_> = several.iter().map(|name| name.as_str()).collect();
            return Err(wrong(format!("several kernels in its packages, {}", names.join(", "))));
        }
    };
    let dir = scratch.join(version);
    let modules = Some(dir.join(layout::MODULES)).filter(|dir| dir.is_dir());
    let others: Vec<_> = versions
        .iter()
        .filter(|other| *other != version && scratch.join(other).join(layout::MODULES).is_dir())
        .map(String::as_str)
        .collect();
    if modules.is_none() && !others.is_empty() {
        let others = others.join(", ");
        return Err(wrong(format!("modules of another version, {others}, beside an image of {version}")));
    }
    let parts = Parts {
        image: part(&dir, layout::IMAGE).unwrap_or_default(),
        config: part(&dir, layout::CONFIG),
        symbols: part(&dir, layout::SYMBOLS),
        modules,
        version: version.clone(),
    };
    parts::assemble(id, &parts, entry_dir)
}

/// Copies what is needed of an installed kernel into the entry; gives the places of its modules below it, in the order of
/// loading.
///
/// # Errors
/// [`KernelError::Packages`] says what does not fit.
pub(crate) fn installed(kernel: &Installed, id: &str, entry_dir: &Path) -> Result<Vec<PathBuf>, KernelError> {
    let parts = Parts {
        image: kernel.image.clone(),
        config: kernel.config.clone(),
        symbols: None,
        modules: kernel.modules.clone(),
        version: kernel.release.clone(),
    };
    parts::assemble(id, &parts, entry_dir)
}

/// The part of a kernel that was found in the directory of modules, or else in boot.
fn part(dir: &Path, name: &str) -> Option<PathBuf> {
    [dir.join(name), dir.join(layout::boot(name))].into_iter().find(|path| path.is_file())
}

/// Whether an image and its config are there, and say that there is no fwctl: then no module is wanted.
fn told_absent(scratch: &Path) -> Result<bool, CacheError> {
    let says = |version: &String| {
        let dir = scratch.join(version);
        part(&dir, layout::IMAGE).is_some()
            && part(&dir, layout::CONFIG).is_some_and(|config| parts::says_no_fwctl(&config))
    };
    Ok(versions(scratch)?.iter().any(says))
}

/// The versions that something was found of.
fn versions(scratch: &Path) -> Result<Vec<String>, CacheError> {
    let failed = || CacheError::io("read the directory", scratch);
    let mut versions = Vec::new();
    for entry in fs::read_dir(scratch).map_err(failed())? {
        versions.push(entry.map_err(failed())?.file_name().to_string_lossy().into_owned());
    }
    versions.sort();
    Ok(versions)
}
