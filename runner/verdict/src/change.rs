//! Named changes: the ABI's history, one file each.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use scrubjay_session::file::{self, FileError};
use scrubjay_session::name;
use serde::{Deserialize, Serialize};

/// The form that this program reads.
pub const FORMAT: &str = "scrubjay.change/1";

/// A named, dated, explained difference of behaviour between kernels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// [`FORMAT`].
    pub format: String,
    /// The file's stem.
    pub id: String,
    /// What is different afterwards, in one line.
    pub title: String,
    /// The first upstream release that has it, `7.2`.
    pub since: String,
    /// Why the kernel was changed.
    pub reason: String,
    /// Commit, thread, or file and function.
    pub reference: String,
    /// The promise that it serves or alters.
    pub promise: String,
    /// The kernel on which it was first seen.
    pub first_seen: String,
}

impl Change {
    /// Checks what the form alone does not; `path` is where it is or will be.
    ///
    /// # Errors
    /// The place and the remedy.
    pub fn check(&self, path: &Path) -> Result<(), FileError> {
        if self.format != FORMAT {
            return Err(FileError::sense(path, "format", format!("`{}` is not `{FORMAT}`", self.format)));
        }
        file::check_stem(path, &self.id)?;
        if let Some(why) = name::wrong_title(&self.title) {
            return Err(FileError::sense(path, "title", why));
        }
        for (place, text) in [("reason", &self.reason), ("reference", &self.reference)] {
            if text.trim().is_empty() {
                return Err(FileError::sense(path, place, "a change needs a reason and a reference"));
            }
        }
        if ordinal(&self.since).is_none() {
            let why = format!("`{}` is no release; write it as `7.2`", self.since.escape_debug());
            return Err(FileError::sense(path, "since", why));
        }
        Ok(())
    }

    /// Whether an unmodified upstream release should carry it. Releases are `major.minor`.
    pub fn expected_in(&self, release: &str) -> bool {
        match (ordinal(&self.since), ordinal(release)) {
            (Some(since), Some(release)) => release >= since,
            _ => false,
        }
    }
}

fn ordinal(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// All changes, by id.
#[derive(Clone, Debug, Default)]
pub struct Changes(BTreeMap<String, Change>);

impl Changes {
    /// Reads every change below `dir`.
    ///
    /// # Errors
    /// The first file that is wrong, and the remedy.
    pub fn load(dir: &Path) -> Result<Self, FileError> {
        let mut changes = BTreeMap::new();
        for path in file::json_below(dir)? {
            let change: Change = file::read(&path)?;
            change.check(&path)?;
            changes.insert(change.id.clone(), change);
        }
        Ok(Changes(changes))
    }

    /// Takes in one more, in place of one of the same id.
    pub fn insert(&mut self, change: Change) {
        self.0.insert(change.id.clone(), change);
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<&Change> {
        self.0.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.values()
    }
}
