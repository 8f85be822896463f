//! The directory of manifests, found by walking it; never a list kept by hand.

use std::path::{Path, PathBuf};

use crate::manifest::{Manifest, ManifestError};

/// All manifests of one directory.
#[derive(Debug, Clone)]
pub struct Catalogue {
    dir: PathBuf,
    manifests: Vec<Manifest>,
}

impl Catalogue {
    /// Reads every `*.toml` in a directory but `Cargo.toml`, which lives beside them. Subdirectories are not entered.
    ///
    /// # Errors
    /// The first manifest that does not read, in the order of names; an empty directory.
    pub fn load(dir: &Path) -> Result<Self, ManifestError> {
        let failed = |source| ManifestError::Directory { path: dir.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ext| ext == "toml")
                && path.file_name().is_some_and(|name| name != "Cargo.toml")
            {
                paths.push(path);
            }
        }
        paths.sort();
        let mut manifests = paths.iter().map(|path| Manifest::read(path)).collect::<Result<Vec<_>, _>>()?;
        if manifests.is_empty() {
            return Err(ManifestError::Empty { path: dir.to_owned() });
        }
        manifests.sort_by(|a, b| (a.history.release, &a.id).cmp(&(b.history.release, &b.id)));
        Ok(Self { dir: dir.to_owned(), manifests })
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The manifest of that id.
    ///
    /// # Errors
    /// [`ManifestError::Unknown`] names the ids that are there.
    pub fn get(&self, id: &str) -> Result<&Manifest, ManifestError> {
        self.manifests.iter().find(|manifest| manifest.id == id).ok_or_else(|| ManifestError::Unknown {
            id: id.to_owned(),
            dir: self.dir.clone(),
            known: self.manifests.iter().map(|m| m.id.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// All manifests, the oldest release first.
    pub fn iter(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.iter()
    }
}
