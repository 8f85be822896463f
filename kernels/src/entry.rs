//! The cache's entry of one finished kernel: the names in it, the record that describes it, and reading it back.
//!
//! Trusts no entry: what is read is checked against the record. Makes no kernel.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cache::CacheError;
use crate::error::KernelError;
use crate::image::{Image, Provenance};
use crate::recipe::Recipe;

/// The boot image.
pub(crate) const IMAGE: &str = "bzImage";
/// The `.config` that it was built with.
pub(crate) const CONFIG: &str = "config";
/// The symbols' addresses.
pub(crate) const SYMBOLS: &str = "System.map";
/// What make printed.
pub(crate) const LOG: &str = "build.log";
/// The kernel's KTAP parser, which expects to be found under this path.
pub(crate) const KUNIT: &str = "tools/testing/kunit";
/// The modules that a guest has to load.
pub(crate) const MODULES: &str = "modules";
/// What modules are built against.
pub(crate) const TREE: &str = "tree";
/// The record.
const RECORD: &str = "provenance.json";
const SCHEMA: u32 = 1;

/// The record beside a finished kernel.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// Raised when the form changes.
    schema: u32,
    id: String,
    /// In the order of loading, below the entry.
    modules: Vec<PathBuf>,
    recipe: Recipe,
    provenance: Provenance,
}

impl Record {
    pub(crate) fn new(id: &str, modules: Vec<PathBuf>, recipe: Recipe, provenance: Provenance) -> Self {
        Self { schema: SCHEMA, id: id.to_owned(), modules, recipe, provenance }
    }

    /// Writes the record; the last file of an entry.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), CacheError> {
        let path = dir.join(RECORD);
        serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::from)
            .and_then(|text| fs::write(&path, text))
            .map_err(CacheError::io("write", &path))
    }
}

/// The image of an entry, checked against its record.
pub(crate) fn load(id: &str, dir: &Path) -> Result<Image, KernelError> {
    let damaged = |why: String| KernelError::Damaged { dir: dir.to_owned(), why };
    let record = fs::read(dir.join(RECORD)).map_err(|error| damaged(format!("{RECORD}: {error}")))?;
    let record: Record =
        serde_json::from_slice(&record).map_err(|error| damaged(format!("{RECORD}: {error}")))?;
    if record.schema != SCHEMA {
        return Err(damaged(format!("{RECORD} has the form {}, not {SCHEMA}", record.schema)));
    }
    let mut image = Image::at(id.to_owned(), &dir.join(IMAGE), record.provenance.origin)
        .map_err(|error| damaged(error.to_string()))?;
    if image.provenance.sha256 != record.provenance.sha256 {
        return Err(damaged(format!("the SHA-256 of {IMAGE} is not the one recorded")));
    }
    let modules: Vec<PathBuf> = record.modules.iter().map(|module| dir.join(module)).collect();
    if let Some(module) = modules.iter().find(|module| !module.is_file()) {
        return Err(damaged(format!("{} is not there", module.display())));
    }
    image.modules = modules;
    image.tree = Some(dir.join(TREE)).filter(|path| path.is_dir());
    image.kunit = Some(dir.join(KUNIT).join("kunit.py")).filter(|path| path.is_file());
    Ok(image)
}
