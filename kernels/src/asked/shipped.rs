//! The words that name a kernel as a distribution ships it: `deb:`, `rpm:`, the path of a package, `running`, and an image
//! with modules.
//!
//! Makes of each what is resolved like any other kernel. Such a kernel is no release as it was made: it is described, and
//! held to what `--baseline` names.

use std::path::Path;

use crate::catalogue::Catalogue;
use crate::image::Image;
use crate::manifest::{Fwctl, Manifest, Place, Release, Source};
use crate::package::{Installed, PackageError, Packages};

/// The kernel that runs here.
const RUNNING: &str = "running";

/// The kernel that a word names, if it is one of these words.
///
/// # Errors
/// [`PackageError`].
pub(super) fn read(word: &str, catalogue: &Catalogue) -> Result<Option<Manifest>, PackageError> {
    if word == RUNNING {
        let kernel = Installed::running(word, Path::new("/"))?;
        kernel
            .read()
            .map_err(|error| PackageError::Unfit { path: kernel.image.clone(), why: error.to_string() })?;
        let release = kernel.release.clone();
        return manifest(word.to_owned(), &release, Source::Installed(kernel), catalogue).map(Some);
    }
    let is_file = |word: &str| [".deb", ".rpm"].iter().any(|ending| word.ends_with(ending));
    let prefixed = ["deb:", "rpm:"].iter().find_map(|kind| word.strip_prefix(kind));
    let Some(list) = prefixed.or_else(|| is_file(word).then_some(word)) else {
        return Ok(None);
    };
    let packages = Packages::named(word, list)?;
    let (title, version) = (packages.title().to_owned(), packages.version().to_owned());
    manifest(title, &version, Source::Packages(packages), catalogue).map(Some)
}

/// An image that the user named, with the modules below a directory.
///
/// # Errors
/// [`PackageError`].
pub(super) fn with_modules(
    word: &str,
    image: &Image,
    dir: &Path,
    catalogue: &Catalogue,
) -> Result<Manifest, PackageError> {
    let kernel = Installed::with_modules(image, dir)?;
    manifest(word.to_owned(), &image.release, Source::Installed(kernel), catalogue)
}

fn manifest(
    id: String,
    version: &str,
    source: Source,
    catalogue: &Catalogue,
) -> Result<Manifest, PackageError> {
    let release = leading(version).ok_or_else(|| PackageError::NotInstalled {
        word: id.clone(),
        why: format!("its version `{version}` does not begin with the two numbers of a release"),
    })?;
    Ok(Manifest {
        path: catalogue.dir().join(&id),
        id,
        version: version.to_owned(),
        history: Place { release, unmodified: false },
        fwctl: Fwctl::Present,
        config: None,
        sources: vec![source],
    })
}

/// The release that a version begins with: `7.3` of `7.3.4-1~bpo13+1`.
fn leading(version: &str) -> Option<Release> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    format!("{}.{}", numbers.next()?, numbers.next()?).parse().ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("7.3.4-1~bpo13+1", Some((7, 3)))]
    #[case("6.8.0-31.31", Some((6, 8)))]
    #[case("7.4~rc2-1", Some((7, 4)))]
    #[case("trixie", None)]
    #[case("7", None)]
    fn a_packages_version_begins_with_its_release(
        #[case] version: &str,
        #[case] expected: Option<(u16, u16)>,
    ) {
        assert_eq!(leading(version), expected.map(|(major, minor)| Release { major, minor }));
    }
}
