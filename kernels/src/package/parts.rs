//! The parts of a kernel that was not built here, held against each other, and copied into the cache's entry: an image
//! of the version that its place says, a config for x86-64, modules of that version.
//!
//! Knows nothing of packages.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use scrubjay_image::{LARGEST_CONFIG, LARGEST_IMAGE};

use super::options::{value, without_fwctl};
use super::wanted::{self, Failed, Says};
use crate::cache::CacheError;
use crate::entry;
use crate::error::KernelError;
use crate::image::{Image, ImageError, Origin};

/// Where the parts lie.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) image: PathBuf,
    pub(super) config: Option<PathBuf>,
    pub(super) symbols: Option<PathBuf>,
    /// A `lib/modules/VERSION`.
    pub(super) modules: Option<PathBuf>,
    /// The version that their place names.
    pub(super) version: String,
}

/// Copies the parts into the entry; gives the places of the modules below it, in the order of loading.
///
/// # Errors
/// [`KernelError::Packages`] where the parts do not fit each other, or the image is none.
pub(super) fn assemble(id: &str, parts: &Parts, entry_dir: &Path) -> Result<Vec<PathBuf>, KernelError> {
    let wrong = |what: String| KernelError::Packages { id: id.to_owned(), what };
    let image = Image::at(id.to_owned(), &parts.image, Origin::File).map_err(|error| match error {
        // Where it lies is gone when this is read.
        ImageError::NotAKernel { why, .. } => wrong(format!("its vmlinuz is not a kernel image: {why}")),
        error => error.into(),
    })?;
    let release = image.release;
    if release != parts.version {
        let version = &parts.version;
        return Err(wrong(format!("the image that lies there for {version} calls itself {release}")));
    }
    copy(&parts.image, &entry_dir.join(entry::IMAGE))?;
    if let Some(symbols) = &parts.symbols {
        copy(symbols, &entry_dir.join(entry::SYMBOLS))?;
    }
    let config = match &parts.config {
        Some(path) => {
            Some(bounded(path).map_err(|error| wrong(format!("its config cannot be read: {error}")))?)
        }
        None => carried(&parts.image)?,
    };
    let option = |name: &str| value(config.as_deref()?, name);
    if let Some(text) = &config {
        if value(text, "CONFIG_X86_64").as_deref() != Some("y") {
            return Err(wrong(
                "its config is for another architecture, or is none: it does not say \
                              CONFIG_X86_64=y"
                    .to_owned(),
            ));
        }
        let to = entry_dir.join(entry::CONFIG);
        fs::write(&to, text).map_err(CacheError::io("write", &to))?;
        if without_fwctl(option).is_some() {
            return Ok(Vec::new());
        }
    }
    let known: Option<&Says> = if config.is_some() { Some(&option) } else { None };
    wanted::take(parts.modules.as_deref(), &release, known, entry_dir).map_err(|error| match error {
        Failed::Wrong(why) => wrong(why),
        Failed::Cache(error) => error.into(),
    })
}

/// Whether the config in a file is there, and says that there is no fwctl.
pub(super) fn says_no_fwctl(config: &Path) -> bool {
    bounded(config).is_ok_and(|text| without_fwctl(|name| value(&text, name)).is_some())
}

/// A text that is no longer than a config.
fn bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST_CONFIG + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_CONFIG {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than any config"));
    }
    Ok(text)
}

/// The config that an image has within itself.
fn carried(image: &Path) -> Result<Option<String>, CacheError> {
    let mut bytes = Vec::new();
    File::open(image)
        .and_then(|file| file.take(LARGEST_IMAGE).read_to_end(&mut bytes))
        .map_err(CacheError::io("read", image))?;
    Ok(scrubjay_image::config(&bytes))
}

fn copy(from: &Path, to: &Path) -> Result<(), CacheError> {
    fs::copy(from, to).map(|_| ()).map_err(CacheError::io("copy", from))
}
