//! Where a kernel's files are in packages: a place below a scratch directory for each that is wanted.
//!
//! | distribution | image, config, System.map | modules |
//! |---|---|---|
//! | Debian up to 6.18, `bindeb-pkg` | `boot/NAME-VERSION` | `lib/modules/VERSION`, or below `usr` |
//! | Debian from 6.19 | `usr/lib/modules/VERSION/NAME` | there too |
//! | Fedora, RHEL, `binrpm-pkg` | `lib/modules/VERSION/NAME` | there too |
//! | SUSE | `usr/lib/modules/VERSION/NAME` | there too |
//!
//! ```text
//! VERSION/vmlinuz, config, System.map      as found in the directory of modules
//! VERSION/boot-vmlinuz, boot-config, …     as found in boot
//! VERSION/modules/modules.builtin, kernel/…
//! ```
//!
//! Knows paths; opens nothing.

use std::path::{Path, PathBuf};

/// The image, its config, and its symbols' addresses.
pub(super) const IMAGE: &str = "vmlinuz";
pub(super) const CONFIG: &str = "config";
pub(super) const SYMBOLS: &str = "System.map";
/// The list of modules that are built in.
pub(super) const BUILT_IN: &str = "modules.builtin";
/// The directory of modules.
pub(super) const MODULES: &str = "modules";

/// Where a file of a package goes. Nothing for what is not needed.
pub(super) fn place(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    let named = |version: &str| !matches!(version, "" | "." | "..") && !version.contains('/');
    if let Some(name) = text.strip_prefix("boot/") {
        return [IMAGE, CONFIG, SYMBOLS].iter().find_map(|part| {
            let version = name.strip_prefix(part)?.strip_prefix('-')?;
            named(version).then(|| Path::new(version).join(boot(part)))
        });
    }
    let below = text.strip_prefix("usr/").unwrap_or(text).strip_prefix("lib/modules/")?;
    let (version, rest) = below.split_once('/')?;
    let is_module = rest == BUILT_IN || rest.starts_with("kernel/");
    let place = match rest {
        IMAGE | CONFIG | SYMBOLS => PathBuf::from(rest),
        rest if is_module => Path::new(MODULES).join(rest),
        _ => return None,
    };
    named(version).then(|| Path::new(version).join(place))
}

/// The version that a place belongs to, where it is one of modules.
pub(super) fn of_modules(place: &Path) -> Option<&str> {
    let mut parts = place.iter();
    let version = parts.next()?.to_str()?;
    (parts.next()? == MODULES).then_some(version)
}

/// The name of a part that lies in `boot`.
pub(super) fn boot(part: &str) -> String {
    format!("boot-{part}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::debian("boot/vmlinuz-6.12.94+deb13-amd64", Some("6.12.94+deb13-amd64/boot-vmlinuz"))]
    #[case::debian_config("boot/config-6.12.94", Some("6.12.94/boot-config"))]
    #[case::debian_symbols("boot/System.map-6.12.94", Some("6.12.94/boot-System.map"))]
    #[case::newer_debian("usr/lib/modules/7.3.4+deb13-amd64/vmlinuz", Some("7.3.4+deb13-amd64/vmlinuz"))]
    #[case::fedora("lib/modules/7.3.4-1.fc45.x86_64/config", Some("7.3.4-1.fc45.x86_64/config"))]
    #[case::a_module("lib/modules/7.3/kernel/cxl/a.ko.xz", Some("7.3/modules/kernel/cxl/a.ko.xz"))]
    #[case::built_in("usr/lib/modules/7.3/modules.builtin", Some("7.3/modules/modules.builtin"))]
    #[case::no_version("boot/vmlinuz-", None)]
    #[case::a_version_that_leads_up("lib/modules/../vmlinuz", None)]
    #[case::a_directory_for_a_version("boot/vmlinuz-7.3/a", None)]
    #[case::the_order("lib/modules/7.3/modules.order", None)]
    #[case::documentation("usr/share/doc/linux/copyright", None)]
    fn what_is_needed_has_a_place_by_its_version(#[case] path: &str, #[case] to: Option<&str>) {
        assert_eq!(place(Path::new(path)), to.map(PathBuf::from));
    }

    #[rstest]
    #[case("lib/modules/7.3/kernel/a.ko", Some("7.3"))]
    #[case("boot/vmlinuz-7.3", None)]
    fn modules_are_told_from_the_rest_by_their_place(#[case] path: &str, #[case] version: Option<&str>) {
        assert_eq!(of_modules(&place(Path::new(path)).expect("a place")), version);
    }
}
