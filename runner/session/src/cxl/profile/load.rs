//! Reads profiles from files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Profile, check};
use crate::locate;

/// Why a profile cannot be used. Every text names the file; one about its content names the place.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file or directory cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The content is no profile.
    #[error("{}:{line}: {at}: {why}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The place in the JSON, `features[3].current`.
        at: String,
        /// What is wrong.
        why: String,
    },
    /// Two profiles claim one serial number.
    #[error("{}: serial: {serial} is the serial number of profile `{other}` too", path.display())]
    SerialTaken {
        /// The file.
        path: PathBuf,
        /// The serial number.
        serial: super::Hex64,
        /// Id of the profile that has it.
        other: String,
    },
    /// There is no profile of this name.
    #[error("no device profile `{id}` (there are: {known})")]
    Unknown {
        /// The name.
        id: String,
        /// The names that there are.
        known: String,
    },
}

impl Profile {
    /// Reads and checks one profile.
    ///
    /// # Errors
    /// A file that cannot be read, that is no JSON of this format, or that contradicts itself.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ProfileError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Checks one profile; `path` is named in errors and its stem is what the id must be.
    ///
    /// # Errors
    /// A text that is no JSON of this format, or that contradicts itself.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ProfileError> {
        let json = &mut serde_json::Deserializer::from_str(text);
        let invalid = |line, at: String, why: String| {
            let at = if matches!(at.as_str(), "" | ".") { "the profile".to_owned() } else { at };
            ProfileError::Invalid { path: path.to_owned(), line, at, why }
        };
        let profile: Profile = serde_path_to_error::deserialize(json).map_err(|error| {
            let at = error.path().to_string();
            let inner = error.into_inner();
            invalid(inner.line(), at, without_position(&inner))
        })?;
        serde_json::from_str::<serde::de::IgnoredAny>(text)
            .map_err(|error| invalid(error.line(), String::new(), without_position(&error)))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        check::check(&profile, &stem).map_err(|complaint| {
            invalid(locate::line(text, &complaint.path), locate::display(&complaint.path), complaint.why)
        })?;
        Ok(profile)
    }
}

/// serde_json ends its sentences with the position, which stands elsewhere here.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

/// The profiles of a directory.
#[derive(Clone, Debug, Default)]
pub struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// Reads every `*.json` of a directory.
    ///
    /// # Errors
    /// The first profile, by name, that cannot be used.
    pub fn load_dir(dir: &Path) -> Result<Self, ProfileError> {
        let unreadable = |source| ProfileError::Unreadable { path: dir.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|e| e == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut profiles = Profiles::default();
        for path in paths {
            let profile = Profile::load(&path)?;
            if let Some(other) = profiles.iter().find(|p| p.serial == profile.serial) {
                return Err(ProfileError::SerialTaken {
                    path,
                    serial: profile.serial,
                    other: other.id.clone(),
                });
            }
            profiles.0.insert(profile.id.clone(), profile);
        }
        Ok(profiles)
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, id: &str) -> Result<&Profile, ProfileError> {
        self.0.get(id).ok_or_else(|| ProfileError::Unknown {
            id: id.to_owned(),
            known: self.0.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Profile> {
        self.0.values()
    }
}
