//! Goldens: what a session is expected to give, and what each change gives instead.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use scrubjay_session::file::{self, FileError};
use scrubjay_session::{Observation, Session, Sessions, Transcript};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::Changes;

/// The form that this program reads.
pub const FORMAT: &str = "scrubjay.golden/1";

/// What ends the name of a golden that waits for review.
pub const PENDING: &str = ".pending.json";

/// What a session is expected to give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// [`FORMAT`].
    pub format: String,
    /// The session's id, and the file's stem.
    pub session: String,
    /// [`fingerprint`] of the session that it was recorded from.
    pub of: String,
    /// The release that the base was recorded on.
    pub recorded: String,
    /// In order; one for each step of the session.
    pub steps: Vec<GoldenStep>,
}

/// What one step is expected to give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoldenStep {
    /// The step's id.
    pub id: String,
    /// What a kernel gives that has none of the changes below: any of these.
    pub base: Vec<Observation>,
    /// What a kernel gives that has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Alternative>,
    /// Marks a behaviour that breaks a promise and is recorded all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defect: Option<Defect>,
}

/// What a step gives on a kernel with certain changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// The changes, all of them.
    pub with: Vec<String>,
    /// Any of these.
    pub seen: Vec<Observation>,
}

/// A recorded behaviour that breaks a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// The promise.
    pub promise: String,
    /// Where the sentence stands that it breaks: document or header, and section.
    pub breaks: String,
    /// The change that mends it, once there is one; until then it is there on every kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_by: Option<String>,
}

/// What of a session decides its transcript: another value means the golden is of an older session.
pub fn fingerprint(session: &Session) -> String {
    let actions: Vec<_> = session.steps.iter().map(|step| (&step.id, &step.action)).collect();
    let parts = (&session.devices, session.boot, &session.command_line, actions);
    let text = serde_json::to_string(&parts).expect("a session is made of JSON");
    short_hash(&text)
}

/// Sixteen hexadecimal digits of SHA-256.
pub(crate) fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl Golden {
    /// A golden whose base is this transcript.
    pub fn record(session: &Session, transcript: &Transcript, release: &str) -> Self {
        let step = |id: &str| GoldenStep {
            id: id.to_owned(),
            base: vec![transcript.observation(id)],
            changes: Vec::new(),
            defect: None,
        };
        Golden {
            format: FORMAT.to_owned(),
            session: session.id.clone(),
            of: fingerprint(session),
            recorded: release.to_owned(),
            steps: session.steps.iter().map(|s| step(&s.id)).collect(),
        }
    }

    pub(crate) fn check(&self, path: &Path, session: &Session, changes: &Changes) -> Result<(), FileError> {
        let sense = |place: &str, why: String| Err(FileError::sense(path, place, why));
        if self.format != FORMAT {
            return sense("format", format!("`{}` is not `{FORMAT}`", self.format));
        }
        if self.of != fingerprint(session) {
            return sense("of", format!("session `{}` has changed since; record it again", session.id));
        }
        let ids: Vec<_> = self.steps.iter().map(|s| s.id.as_str()).collect();
        let wanted: Vec<_> = session.steps.iter().map(|s| s.id.as_str()).collect();
        if ids != wanted {
            return sense("steps", format!("the session has the steps {}", wanted.join(", ")));
        }
        for (i, step) in self.steps.iter().enumerate() {
            let named = step.changes.iter().flat_map(|a| &a.with);
            for id in named.chain(step.defect.iter().filter_map(|d| d.mended_by.as_ref())) {
                if changes.get(id).is_none() {
                    return sense(
                        &format!("steps[{i}]"),
                        format!("there is no change `{id}` in vectors/changes"),
                    );
                }
            }
            if step.base.is_empty() || step.changes.iter().any(|a| a.seen.is_empty() || a.with.is_empty()) {
                return sense(&format!("steps[{i}]"), "an empty list expects nothing".into());
            }
            let same = |a: &Observation| step.base.iter().any(|b| b.differing(a).is_empty());
            if let Some(c) = step.changes.iter().position(|a| a.seen.iter().any(same)) {
                return sense(&format!("steps[{i}].changes[{c}]"), "a change that changes nothing".into());
            }
        }
        Ok(())
    }
}

/// All goldens, by session.
#[derive(Clone, Debug, Default)]
pub struct Goldens(BTreeMap<String, (PathBuf, Golden)>);

impl Goldens {
    /// Reads every golden below `dir` and holds it against its session.
    ///
    /// # Errors
    /// A golden of no session or of an older one, a change that there is not, a wrong file.
    pub fn load(dir: &Path, sessions: &Sessions, changes: &Changes) -> Result<Self, FileError> {
        let (goldens, unfit) = Self::load_fitting(dir, sessions, changes)?;
        unfit.into_iter().next().map_or(Ok(goldens), Err)
    }

    /// Reads every golden below `dir`, and keeps those that fit their sessions; the others come back
    /// as what is wrong with them, so that they can be recorded again.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn load_fitting(
        dir: &Path,
        sessions: &Sessions,
        changes: &Changes,
    ) -> Result<(Self, Vec<FileError>), FileError> {
        let mut goldens = BTreeMap::new();
        let mut unfit = Vec::new();
        for path in file::json_below(dir)? {
            if path.to_string_lossy().ends_with(PENDING) {
                continue;
            }
            match Self::load_one(&path, sessions, changes) {
                Ok(golden) => {
                    goldens.insert(golden.session.clone(), (path, golden));
                }
                Err(error) => unfit.push(error),
            }
        }
        Ok((Goldens(goldens), unfit))
    }

    fn load_one(path: &Path, sessions: &Sessions, changes: &Changes) -> Result<Golden, FileError> {
        let golden: Golden = file::read(path)?;
        file::check_stem(path, &golden.session)?;
        let Some(session) = sessions.get(&golden.session) else {
            let why = format!("there is no session `{}`; remove the golden", golden.session);
            return Err(FileError::sense(path, "session", why));
        };
        golden.check(path, session, changes)?;
        Ok(golden)
    }

    /// The golden of a session.
    pub fn get(&self, session: &str) -> Option<&Golden> {
        self.0.get(session).map(|(_, golden)| golden)
    }

    /// The changes that no golden uses.
    pub fn unused<'a>(&self, changes: &'a Changes) -> Vec<&'a str> {
        let used: std::collections::BTreeSet<_> = self
            .0
            .values()
            .flat_map(|(_, golden)| &golden.steps)
            .flat_map(|step| &step.changes)
            .flat_map(|alternative| &alternative.with)
            .collect();
        changes.iter().filter(|c| !used.contains(&c.id)).map(|c| c.id.as_str()).collect()
    }
}
