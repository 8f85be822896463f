//! A kernel image that can be booted, and what is known of where it came from.
//!
//! Reads images; never makes one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use scrubjay_image::{BootHeader, REACH};
use serde::{Deserialize, Serialize};

use crate::digest;
use crate::package;

/// A kernel ready to boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The manifest's id; for a file named by its path, that path.
    pub id: String,
    /// What the kernel calls itself (`uname -r`), read from its boot header.
    pub release: String,
    /// The x86 boot image.
    pub bzimage: PathBuf,
    /// The config that it was built with, where it is known.
    pub config: Option<PathBuf>,
    /// Modules that a guest has to load, in this order; `.ko`, `.ko.xz`, `.ko.zst` or `.ko.gz`.
    pub modules: Vec<PathBuf>,
    /// The kernel's own KTAP parser, `kunit.py`, where the image was built here.
    pub kunit: Option<PathBuf>,
    /// What modules are built against, where it was kept.
    pub tree: Option<PathBuf>,
    /// Where the image came from.
    pub provenance: Provenance,
}

/// Where an image came from, and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// How the image came to be here.
    pub origin: Origin,
    /// SHA-256 of the image, lower-case hexadecimal.
    pub sha256: String,
}

/// How an image came to be here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Origin {
    /// Built by this program, from a recipe.
    Built {
        /// The recipe's hash, which is in the name of the cache's entry.
        recipe: String,
        /// The source: package and version, address or path.
        source: String,
        /// SHA-256 of the source's file; none for a tree.
        source_sha256: Option<String>,
        /// The first line of the compiler's `--version`.
        compiler: String,
    },
    /// Debian's own binary packages.
    DebianImage {
        /// The recipe's hash, which is in the name of the cache's entry.
        recipe: String,
        /// The packages' files.
        packages: Vec<String>,
    },
    /// A distribution's packages that the user named.
    Packages {
        /// The recipe's hash, which is in the name of the cache's entry.
        recipe: String,
        /// Each package: name and version, file, source package, SHA-256 of the file.
        packages: Vec<String>,
    },
    /// A kernel that lay on this machine with its modules.
    Installed {
        /// The recipe's hash, which is in the name of the cache's entry.
        recipe: String,
        /// Its image.
        image: PathBuf,
        /// Its `lib/modules/VERSION`, where there is one.
        modules: Option<PathBuf>,
    },
    /// Taken from a directory of prebuilt images, or named by a manifest.
    Prebuilt,
    /// A file named on the command line.
    File,
}

/// Why a file cannot be booted.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file cannot be read.
    #[error("cannot read the kernel image {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("not a kernel image: {}: {why}; give an x86-64 bzImage (arch/x86/boot/bzImage, or /boot/vmlinuz-…)", path.display())]
    NotAKernel {
        /// The file.
        path: PathBuf,
        /// What tells.
        why: String,
    },
    /// The image is of what stood there before.
    #[error("{} is older than {}, so it is not the kernel that stands in that tree now; run make there, or name the tree (tree:PATH)", path.display(), newer.display())]
    Stale {
        /// The image.
        path: PathBuf,
        /// A source or config that is newer.
        newer: PathBuf,
    },
    /// The image is of another version than its place says.
    #[error("{} holds Linux {found}, but stands where {wanted} belongs; move it to a directory of its own version", path.display())]
    OtherVersion {
        /// The image.
        path: PathBuf,
        /// What the header says.
        found: String,
        /// What the manifest says.
        wanted: String,
    },
}

/// Reads the boot header of a file, whose version is then known.
fn release(path: &Path) -> Result<String, ImageError> {
    let failed = |source| ImageError::Read { path: path.to_owned(), source };
    let not = |why: String| ImageError::NotAKernel { path: path.to_owned(), why };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut start = Vec::new();
    file.take(REACH as u64).read_to_end(&mut start).map_err(failed)?;
    let header = BootHeader::parse(&start, length).map_err(|why| not(why.to_string()))?;
    let release = header.release().ok_or_else(|| not("its boot header names no version".to_owned()))?;
    Ok(release.to_owned())
}

impl Image {
    /// An image that is in no manifest. A `config` beside it (`config`, `.config`, or `config-VERSION` beside
    /// `vmlinuz-VERSION`) is taken along.
    ///
    /// # Errors
    /// [`ImageError::Read`]; [`ImageError::NotAKernel`] where it is no x86-64 boot image.
    pub fn from_file(path: &Path) -> Result<Self, ImageError> {
        Self::at(path.display().to_string(), path, Origin::File)
    }

    /// What its config says of an option, `CONFIG_HZ`: the text behind the equals sign, `n` where it says that the option
    /// is not set. Nothing where it does not name the option, or no config is known.
    pub fn option(&self, name: &str) -> Option<String> {
        let config = std::fs::read_to_string(self.config.as_ref()?).ok()?;
        let value = |line: &str| match line.strip_prefix("# ") {
            Some(rest) => (rest.strip_prefix(name)? == " is not set").then(|| "n".to_owned()),
            None => Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()),
        };
        config.lines().find_map(value)
    }

    /// Why this kernel has no fwctl, where the config that it was shipped with says so: a sentence with the option.
    /// Nothing where that is not known before it boots.
    pub fn shipped_without_fwctl(&self) -> Option<String> {
        match self.provenance.origin {
            Origin::Packages { .. } | Origin::Installed { .. } if self.config.is_some() => {
                package::without_fwctl(|name| self.option(name))
            }
            _ => None,
        }
    }

    /// The image at a path, with no modules.
    pub(crate) fn at(id: String, path: &Path, origin: Origin) -> Result<Self, ImageError> {
        let release = release(path)?;
        let sha256 =
            digest::of_file(path).map_err(|source| ImageError::Read { path: path.to_owned(), source })?;
        Ok(Self {
            id,
            release,
            bzimage: path.to_owned(),
            config: config_beside(path),
            modules: Vec::new(),
            kunit: None,
            tree: None,
            provenance: Provenance { origin, sha256 },
        })
    }

    /// Refuses an image of another version than the one wanted: the release is that version, or that version with
    /// a local suffix.
    pub(crate) fn of_version(self, wanted: &str) -> Result<Self, ImageError> {
        let rest = self.release.strip_prefix(wanted);
        if rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')) {
            Ok(self)
        } else {
            Err(ImageError::OtherVersion {
                path: self.bzimage,
                found: self.release,
                wanted: wanted.to_owned(),
            })
        }
    }
}

fn config_beside(image: &Path) -> Option<PathBuf> {
    let name = image.file_name()?.to_str()?;
    let of_debian = name.strip_prefix("vmlinuz-").map(|version| format!("config-{version}"));
    of_debian
        .into_iter()
        .chain(["config".to_owned(), ".config".to_owned()])
        .map(|name| image.with_file_name(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn image(version: &str) -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        bytes[0x1f1] = 1;
        bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
        bytes[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
        bytes[0x236] = 1;
        bytes[0x300..0x300 + version.len()].copy_from_slice(version.as_bytes());
        bytes
    }

    #[test]
    fn a_kernel_without_a_version_is_none_of_ours() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("bzImage");
        std::fs::write(&path, image("")).expect("written");
        let error = Image::from_file(&path).expect_err("no version").to_string();
        assert!(error.contains("names no version"), "{error}");
    }

    #[rstest]
    #[case("7.3.4", "7.3.4", true)]
    #[case("7.3.4+deb13-amd64", "7.3.4", true)]
    #[case("7.3.4-mine", "7.3.4", true)]
    #[case("7.3.41", "7.3.4", false)]
    #[case("7.3.4.1", "7.3.4", false)]
    #[case("7.2.4", "7.3.4", false)]
    fn an_image_stands_in_for_its_own_version_only(
        #[case] release: &str,
        #[case] wanted: &str,
        #[case] fits: bool,
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("bzImage");
        std::fs::write(&path, image(release)).expect("written");
        let found = Image::at("k".to_owned(), &path, Origin::Prebuilt).expect("an image");
        assert_eq!(found.of_version(wanted).is_ok(), fits);
    }
}
