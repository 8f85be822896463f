//! A distribution's kernel as it is: image, config and the modules a guest needs, out of Debian's packages.
//!
//! Takes packages that lie on the disk; fetches none.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::CacheError;
use crate::entry;
use crate::error::KernelError;
use crate::modules;
use crate::progress::Progress;
use crate::unpack;

/// Takes what is needed out of the packages into `entry_dir`, by way of `scratch`; both exist and are empty. Gives
/// the places of the modules `wanted`, and of those that they depend on, below the entry, in the order of loading.
pub(crate) fn take(
    id: &str,
    packages: &[PathBuf],
    wanted: &[String],
    scratch: &Path,
    entry_dir: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<PathBuf>, KernelError> {
    for package in packages {
        unpack::package_files(package, scratch, &place, progress)?;
    }
    let missing = |what: &str| KernelError::Packages { id: id.to_owned(), what: what.to_owned() };
    let image = scratch.join(entry::IMAGE);
    if !image.is_file() {
        return Err(missing("no vmlinuz in its packages"));
    }
    rename(&image, &entry_dir.join(entry::IMAGE))?;
    let config = scratch.join(entry::CONFIG);
    if config.is_file() {
        rename(&config, &entry_dir.join(entry::CONFIG))?;
    }
    let modules = scratch.join(entry::MODULES);
    if !modules.is_dir() {
        return Err(missing("no modules in its packages"));
    }
    let order = modules::load_order(&modules, wanted)
        .map_err(|source| KernelError::Module { id: id.to_owned(), source })?;
    let target = entry_dir.join(entry::MODULES);
    fs::create_dir_all(&target).map_err(CacheError::io("make the directory", &target))?;
    order
        .iter()
        .map(|path| {
            let place = Path::new(entry::MODULES).join(path.file_name().unwrap_or_default());
            rename(path, &entry_dir.join(&place))?;
            Ok(place)
        })
        .collect()
}

fn rename(from: &Path, to: &Path) -> Result<(), CacheError> {
    fs::rename(from, to).map_err(CacheError::io("move", from))
}

/// Where a file of Debian's kernel packages goes. The image and its config lie in `boot`, or (7.x) with the modules;
/// the directory of modules is below `usr` or not.
fn place(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    if text.starts_with("boot/vmlinuz-") {
        return Some(entry::IMAGE.into());
    }
    if text.starts_with("boot/config-") {
        return Some(entry::CONFIG.into());
    }
    let below = text.strip_prefix("usr/").unwrap_or(text).strip_prefix("lib/modules/")?;
    let (_version, rest) = below.split_once('/')?;
    match rest {
        "vmlinuz" => Some(entry::IMAGE.into()),
        "config" => Some(entry::CONFIG.into()),
        "modules.builtin" => Some(Path::new(entry::MODULES).join(rest)),
        rest if rest.starts_with("kernel/") => Some(Path::new(entry::MODULES).join(rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("boot/vmlinuz-6.12.94+deb13-amd64", Some("bzImage"))]
    #[case("boot/config-6.12.94+deb13-amd64", Some("config"))]
    #[case("usr/lib/modules/7.3.4+deb13-amd64/vmlinuz", Some("bzImage"))]
    #[case("usr/lib/modules/7.3.4+deb13-amd64/config", Some("config"))]
    #[case(
        "lib/modules/6.12/kernel/drivers/cxl/cxl_mem.ko.xz",
        Some("modules/kernel/drivers/cxl/cxl_mem.ko.xz")
    )]
    #[case("usr/lib/modules/7.3/modules.builtin", Some("modules/modules.builtin"))]
    #[case("usr/lib/modules/7.3/System.map", None)]
    #[case("usr/share/doc/linux/copyright", None)]
    fn the_files_that_a_guest_needs_are_found_in_old_and_new_packages(
        #[case] path: &str,
        #[case] to: Option<&str>,
    ) {
        assert_eq!(place(Path::new(path)), to.map(PathBuf::from));
    }
}
