//! Upstream changes that a program or the firmware can notice and that no session shows, each with the reason.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use schemars::JsonSchema;
use scrubjay_session::file::{self, FileError};
use serde::{Deserialize, Serialize};

use super::check::{is_commit, no_commit};
use super::form::Changes;
use crate::release::Series;

/// The form that this program reads.
const FORMAT: &str = "scrubjay.unseen/1";

/// The file: `vectors/unseen.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unseen {
    /// `scrubjay.unseen/1`.
    format: String,
    /// The changes, the oldest first.
    unseen: Vec<NotShown>,
}

/// One change that no session shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotShown {
    /// The commits that make it, 12 to 40 hexadecimal digits each.
    pub commits: Vec<String>,
    /// The first line of the first commit's message.
    pub subject: String,
    /// The first mainline release that has it: `7.1`.
    pub mainline: Series,
    /// What a program notices, or the firmware.
    pub notices: String,
    /// Why no session shows it.
    pub why: String,
}

impl Unseen {
    /// Reads `path`, and holds it against the named `changes`. A root of somebody's own needs no such file.
    ///
    /// # Errors
    /// A commit that is none, is there twice or has a name already, an empty text, an order that is not that of the
    /// releases, each with its place.
    pub fn load(path: &Path, changes: &Changes) -> Result<Self, FileError> {
        if path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(Unseen { format: FORMAT.to_owned(), unseen: Vec::new() });
        }
        let unseen: Self = file::read(path)?;
        unseen.check(path, changes)?;
        Ok(unseen)
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &NotShown> {
        self.unseen.iter()
    }

    /// The table of the book.
    pub fn markdown(&self) -> String {
        let rows = self.iter().map(|one| {
            let commits = one.commits.join(", ");
            format!("| {commits} | {} | {} | {} | {} |\n", one.subject, one.mainline, one.notices, one.why)
        });
        let count = self.unseen.len();
        let count = format!("{count} changes, in [vectors/unseen.json](../vectors/unseen.json).\n\n");
        let head = "| commit | subject | mainline | what is noticed | why no session shows it |\n|---|---|---|---|---|\n";
        count + head + &rows.collect::<String>()
    }

    fn check(&self, path: &Path, changes: &Changes) -> Result<(), FileError> {
        let wrong = |place: String, why: String| Err(FileError::sense(path, place, why));
        if self.format != FORMAT {
            return wrong("format".into(), format!("`{}` is not `{FORMAT}`", self.format.escape_debug()));
        }
        let named = |id: &str| {
            let mut commits = changes.iter().filter_map(|change| change.commit.as_ref());
            commits.any(|commit| commit.id.starts_with(id) || id.starts_with(&commit.id))
        };
        let mut seen = BTreeSet::new();
        let mut last = None;
        for (at, one) in self.unseen.iter().enumerate() {
            let place = |field: &str| format!("unseen[{at}].{field}");
            if one.commits.is_empty() {
                return wrong(place("commits"), "name the commit".into());
            }
            for id in &one.commits {
                let why = match id {
                    id if !is_commit(id) => no_commit(id),
                    id if named(id) => {
                        format!("`{id}` is a named change of vectors/changes; take it out here")
                    }
                    id if !seen.insert(id) => format!("`{id}` is there twice"),
                    _ => continue,
                };
                return wrong(place("commits"), why);
            }
            for (field, text) in [("subject", &one.subject), ("notices", &one.notices), ("why", &one.why)] {
                if text.trim().is_empty() || text.contains(['|', '\n']) {
                    return wrong(place(field), "write one line of text without `|`".into());
                }
            }
            if last.replace(one.mainline).is_some_and(|before| one.mainline < before) {
                return wrong(place("mainline"), "the oldest come first; move it up".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn row(commit: &str, mainline: &str) -> Value {
        json!({"commits": [commit], "subject": "s", "mainline": mainline, "notices": "n", "why": "w"})
    }

    fn told(rows: Value) -> Option<String> {
        let unseen: Unseen =
            serde_json::from_value(json!({"format": FORMAT, "unseen": rows})).expect("the form");
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/changes");
        let changes = Changes::load(&dir).expect("changes");
        unseen.check(Path::new("unseen.json"), &changes).err().map(|error| error.to_string())
    }

    #[rstest]
    #[case::whole(json!([row("0123456789ab", "6.15"), row("0123456789ac", "7.1")]), None)]
    #[case::no_commit(json!([row("v6.15", "6.15")]), Some("at `unseen[0].commits`: `v6.15` is not a commit id"))]
    #[case::named(json!([row("8b301c4afbce", "7.3")]), Some("`8b301c4afbce` is a named change"))]
    #[case::named_whole(
        json!([row("8b301c4afbce0123456789abcdef0123456789ab", "7.3")]),
        Some("is a named change")
    )]
    #[case::twice(json!([row("0123456789ab", "6.15"), row("0123456789ab", "6.15")]), Some("at `unseen[1].commits`: `0123456789ab` is there twice"))]
    #[case::order(json!([row("0123456789ab", "7.1"), row("0123456789ac", "6.15")]), Some("at `unseen[1].mainline`: the oldest come first"))]
    #[case::empty(json!([{"commits": [], "subject": "s", "mainline": "7.1", "notices": "n", "why": "w"}]), Some("at `unseen[0].commits`: name the commit"))]
    #[case::no_reason(json!([{"commits": ["0123456789ab"], "subject": "s", "mainline": "7.1", "notices": "n", "why": " "}]), Some("at `unseen[0].why`: write one line"))]
    fn what_is_wrong_is_told_with_its_place(#[case] rows: Value, #[case] expected: Option<&str>) {
        match (told(rows), expected) {
            (None, None) => (),
            (Some(text), Some(expected)) => assert!(text.contains(expected), "{text}"),
            (told, expected) => panic!("{told:?}, not {expected:?}"),
        }
    }
}
