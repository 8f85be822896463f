//! The form of a change, and all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use schemars::JsonSchema;
use scrubjay_session::file::{self, FileError};
use serde::{Deserialize, Serialize};

use crate::release::{NoRelease, Release, Series};

/// The form that this program reads.
pub const FORMAT: &str = "scrubjay.change/2";

/// A named, dated, explained difference of behaviour between kernels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Change {
    /// [`FORMAT`].
    pub format: String,
    /// The file's stem.
    pub id: String,
    /// What is different afterwards, in one line.
    pub title: String,
    /// Mainline's commit; this or `no-commit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// Why no commit can be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_commit: Option<String>,
    /// The number of what it mends, `CVE-2026-23327`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cve: Option<String>,
    /// Mainline's first tag with it. Where only the release is known, `7.3`, nothing is said of its
    /// release candidates.
    pub mainline: Statement,
    /// Mainline's first tag with the bug that it mends; none where it mends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced: Option<Statement>,
    /// The stable series from before it, as far as anything is known of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<InSeries>,
    /// Why the kernel was changed.
    pub reason: String,
    /// Thread, or file and function.
    pub reference: String,
    /// The promise that it serves or alters.
    pub promise: String,
    /// The kernel on which it was first seen.
    pub first_seen: String,
}

/// A commit of mainline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// 12 to 40 hexadecimal digits.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

/// What is said of a release, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Statement {
    /// The release.
    pub release: Release,
    /// How it is known.
    pub known_by: Known,
}

/// A text that is no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStatement {
    /// Its release is none.
    #[error(transparent)]
    Release(#[from] NoRelease),
    /// It does not say how it is known.
    #[error("`{0}` does not say how it is known; write it as 7.2.4=list, 7.2.4=source or 7.2.4=sessions")]
    Known(String),
}

impl FromStr for Statement {
    type Err = NoStatement;

    /// Reads `7.2.4=list`.
    fn from_str(text: &str) -> Result<Self, NoStatement> {
        let unknown = || NoStatement::Known(text.to_owned());
        let (release, how) = text.split_once('=').ok_or_else(unknown)?;
        let known_by = Known::ALL.into_iter().find(|known| known.name() == how).ok_or_else(unknown)?;
        Ok(Statement { release: release.parse()?, known_by })
    }
}

/// How a statement is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// From a list of commits: a release's own, or that of a tree.
    List,
    /// The release's source was read.
    Source,
    /// Sessions were run on it.
    Sessions,
}

impl Known {
    /// All of them.
    pub const ALL: [Known; 3] = [Known::List, Known::Source, Known::Sessions];

    /// The name that files use.
    pub fn name(self) -> &'static str {
        match self {
            Known::List => "list",
            Known::Source => "source",
            Known::Sessions => "sessions",
        }
    }
}

/// What is known of a stable series whose first release lacks the change. Between the two, and behind
/// the one where the other is not known, nothing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InSeries {
    /// Which, `7.2`.
    pub series: Series,
    /// The last release that is known to lack it: those before it do too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks_to: Option<Statement>,
    /// The first release that is known to have it: those behind it do too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_from: Option<Statement>,
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
