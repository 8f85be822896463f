//! Reads profiles from files.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Profile, check};
use crate::file::{self, FileError};
use crate::locate;

/// There is no profile of this name.
#[derive(Debug, thiserror::Error)]
#[error("no device profile `{id}` (there are: {known})")]
pub struct UnknownProfile {
    /// The name.
    pub id: String,
    /// The names that there are.
    pub known: String,
}

impl Profile {
    /// Reads and checks one profile.
    ///
    /// # Errors
    /// A file that cannot be read, that is no JSON of this format, or that contradicts itself: the file, the
    /// place in it and the remedy.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        Self::parse(&file::read_text(path, file::LONGEST)?, path)
    }

    /// Checks one profile; `path` is named in errors and its stem is what the id must be.
    ///
    /// # Errors
    /// A text that is no JSON of this format, or that contradicts itself.
    pub fn parse(text: &str, path: &Path) -> Result<Self, FileError> {
        let profile: Profile = file::parse(path, text)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        check::check(&profile, &stem).map_err(|complaint| {
            FileError::sense_in(path, text, locate::display(&complaint.path), complaint.why)
        })?;
        Ok(profile)
    }
}

/// The profiles of a directory.
#[derive(Clone, Debug, Default)]
pub struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// Reads every `*.json` below a directory.
    ///
    /// # Errors
    /// The first profile, by name, that cannot be used.
    pub fn load_dir(dir: &Path) -> Result<Self, FileError> {
        let mut profiles = Profiles::default();
        for path in file::json_below(dir)? {
            let profile = Profile::load(&path)?;
            if let Some(other) = profiles.iter().find(|p| p.serial == profile.serial) {
                let why = format!("{} is the serial number of profile `{}` too", profile.serial, other.id);
                return Err(FileError::sense(&path, "serial", why));
            }
            if profiles.0.contains_key(&profile.id) {
                let why = format!("there is another profile `{}`; rename one of them", profile.id);
                return Err(FileError::sense(&path, "id", why));
            }
            profiles.0.insert(profile.id.clone(), profile);
        }
        Ok(profiles)
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, id: &str) -> Result<&Profile, UnknownProfile> {
        self.0.get(id).ok_or_else(|| UnknownProfile {
            id: id.to_owned(),
            known: self.0.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Profile> {
        self.0.values()
    }
}
