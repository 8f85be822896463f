//! Which packages beside one belong to it: distributions split a kernel, and what has to be together has one name behind
//! another first word, and one version.
//!
//! Looks at names only.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The first words of Debian's and Ubuntu's packages of one kernel; before the next is the kernel's version and flavour.
const DEBIAN: [&str; 6] = [
    "linux-image-",
    "linux-image-unsigned-",
    "linux-binary-",
    "linux-base-",
    "linux-modules-",
    "linux-modules-extra-",
];
/// Those of Fedora's and RHEL's; behind is version, release and architecture.
const FEDORA: [&str; 5] =
    ["kernel-core-", "kernel-modules-core-", "kernel-modules-", "kernel-modules-extra-", "kernel-"];
/// Two of which one kernel has one.
const EITHER: [&str; 2] = ["linux-image-", "linux-image-unsigned-"];
/// The most files of a directory that are looked at.
const MOST_FILES: usize = 100_000;

/// The packages that lie beside `package` and belong to it, by name; none where it stands for itself.
///
/// # Errors
/// A directory that cannot be read.
pub(crate) fn find(package: &Path) -> io::Result<Vec<PathBuf>> {
    let Some((first, rest)) = package.file_name().and_then(split) else { return Ok(Vec::new()) };
    let dir = package.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)?.take(MOST_FILES) {
        let path = entry?.path();
        if let Some((other, its)) = path.file_name().and_then(split)
            && its == rest
            && other != first
            && !(EITHER.contains(&first) && EITHER.contains(&other))
            && path.is_file()
        {
            found.push(path);
        }
    }
    found.sort();
    // Of the two images the one that is signed, where the named package is neither.
    let signed = |path: &PathBuf| path.file_name().and_then(split).is_some_and(|(word, _)| word == EITHER[0]);
    if found.iter().any(signed) {
        found.retain(|path| path.file_name().and_then(split).is_none_or(|(word, _)| word != EITHER[1]));
    }
    Ok(found)
}

/// The first word of a package's file name, and what is behind it: that begins with a number.
fn split(name: &OsStr) -> Option<(&'static str, &str)> {
    let name = name.to_str()?;
    let words: &[&str] = match name.rsplit_once('.')?.1 {
        "deb" => &DEBIAN,
        "rpm" => &FEDORA,
        _ => return None,
    };
    words.iter().find_map(|word| {
        let rest = name.strip_prefix(word)?;
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some((*word, rest))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FILES: [&str; 16] = [
        "linux-image-7.3.4-amd64_7.3.4-1_amd64.deb",
        "linux-base-7.3.4-amd64_7.3.4-1_amd64.deb",
        "linux-binary-7.3.4-amd64_7.3.4-1_amd64.deb",
        "linux-modules-7.3.4-amd64_7.3.4-1_amd64.deb",
        "linux-modules-7.3.4-amd64_7.3.4-2_amd64.deb",
        "linux-modules-7.3.4-rt-amd64_7.3.4-1_amd64.deb",
        "linux-image-7.3.4-amd64-dbg_7.3.4-1_amd64.deb",
        "linux-headers-7.3.4-amd64_7.3.4-1_amd64.deb",
        "linux-image-unsigned-6.8.0-31-generic_6.8.0-31.31_amd64.deb",
        "linux-image-6.8.0-31-generic_6.8.0-31.31_amd64.deb",
        "linux-modules-6.8.0-31-generic_6.8.0-31.31_amd64.deb",
        "kernel-core-7.3.4-1.fc45.x86_64.rpm",
        "kernel-modules-core-7.3.4-1.fc45.x86_64.rpm",
        "kernel-modules-7.3.4-1.fc45.x86_64.rpm",
        "kernel-devel-7.3.4-1.fc45.x86_64.rpm",
        "kernel-default-7.3.4-1.1.x86_64.rpm",
    ];

    #[rstest]
    #[case::debians(0, &[1, 2, 3])]
    #[case::debians_modules(3, &[1, 2, 0])]
    #[case::of_another_version_alone(4, &[])]
    #[case::ubuntus(9, &[10])]
    #[case::ubuntus_unsigned(8, &[10])]
    #[case::ubuntus_modules(10, &[9])]
    #[case::fedoras(11, &[13, 12])]
    #[case::suses_is_whole(15, &[])]
    #[case::headers(7, &[])]
    fn what_belongs_to_a_package_is_found_beside_it(#[case] named: usize, #[case] expected: &[usize]) {
        let dir = tempfile::tempdir().expect("a directory");
        for file in FILES {
            fs::write(dir.path().join(file), "").expect("written");
        }
        let found = find(&dir.path().join(FILES[named])).expect("read");
        let expected: Vec<_> = expected.iter().map(|at| dir.path().join(FILES[*at])).collect();
        assert_eq!(found, expected);
    }
}
