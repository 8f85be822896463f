//! Looks at a kernel file before QEMU does, so that one that is no kernel is refused: QEMU boots whatever it is given,
//! and then nothing happens.
//!
//! Opens the file; `scrubjay-image` reads it. Loads and boots nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use scrubjay_image::{BootHeader, NotBootable, REACH};

/// Why a file cannot be booted.
#[derive(Debug, thiserror::Error)]
pub enum BootImageError {
    /// The file could not be read.
    #[error("kernel {path}: cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no x86-64 bzImage, or not all of one.
    #[error("kernel {path}: no x86-64 bzImage: {why}")]
    NotAKernel {
        /// The file.
        path: PathBuf,
        /// What tells.
        why: NotBootable,
    },
}

/// What a kernel file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootImage {
    /// The file, absolute.
    pub path: PathBuf,
    /// The header's version, which begins with what `uname -r` will say; empty where the header has none.
    pub version: String,
}

impl BootImage {
    /// Reads the header of `path`.
    ///
    /// # Errors
    /// [`BootImageError`].
    pub fn inspect(path: &Path) -> Result<Self, BootImageError> {
        let unreadable = |source| BootImageError::Unreadable { path: path.to_owned(), source };
        let absolute = std::path::absolute(path).map_err(unreadable)?;
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut start = Vec::new();
        file.take(REACH as u64).read_to_end(&mut start).map_err(unreadable)?;
        let header = BootHeader::parse(&start, length)
            .map_err(|why| BootImageError::NotAKernel { path: path.to_owned(), why })?;
        Ok(BootImage { path: absolute, version: header.version.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_kernel_is_named_with_its_path_and_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bzImage");
        std::fs::write(&path, "\x7fELF and so on").unwrap();
        let error = BootImage::inspect(&path).unwrap_err().to_string();
        assert!(error.contains(&*path.to_string_lossy()) && error.contains("an ELF file"), "{error}");
    }

    #[test]
    fn a_kernel_that_is_not_there_is_named() {
        let error = BootImage::inspect(Path::new("no/such/bzImage")).unwrap_err();
        assert!(error.to_string().contains("no/such/bzImage"), "{error}");
    }
}
