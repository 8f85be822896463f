//! Goldens: what a session is expected to give, and what each change gives instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use scrubjay_session::file::{self, FileError};
use scrubjay_session::step::Outcome;
use scrubjay_session::{Observation, Session, Sessions, Step, Transcript};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::Changes;
use crate::defect::Defect;
use crate::promise::Promises;

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
    /// Why the base is what it is: one for each time that a recording was accepted into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<Accepted>,
}

/// Why a recording was accepted into the base. What a change gives has its reason in the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// As what.
    #[serde(rename = "as")]
    pub how: AcceptedAs,
    /// The release that it was recorded on.
    pub recorded: String,
    /// The steps that it made another; every step, where it was the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// Why.
    pub reason: String,
    /// Commit, thread, or file and function.
    pub reference: String,
}

/// What a recording was accepted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptedAs {
    /// In place of the base.
    Base,
    /// As one more of its values.
    Also,
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

/// The fingerprint of what decides a session's transcript: another value means the golden is of an older session.
pub fn fingerprint(session: &Session) -> String {
    short_hash(&session.canonical())
}

/// What is recorded of a step: what is compared. Of an undefined outcome the errno and the rounds of a sweep are
/// kept beside what damage shows in, because the documentation has a word on some.
pub(crate) fn kept(step: &Step, seen: &Observation) -> Observation {
    let mut kept = seen.clone();
    if step.outcome == Outcome::Undefined {
        kept = damage_alone(seen);
    }
    for mask in &step.masks {
        kept.forget(mask.field);
    }
    kept
}

fn damage_alone(seen: &Observation) -> Observation {
    let mut branches = seen.branches.clone();
    for seen in branches.iter_mut().flat_map(|branch| &mut branch.steps) {
        seen.observation = damage_alone(&seen.observation);
    }
    Observation {
        errno: seen.errno.clone(),
        runs: seen.runs.clone(),
        log: seen.log.clone(),
        end: seen.end,
        branches,
        ..Observation::default()
    }
}

/// Sixteen hexadecimal digits of SHA-256.
pub(crate) fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl Golden {
    /// A golden whose base is this transcript.
    pub fn record(session: &Session, transcript: &Transcript, release: &str) -> Self {
        let step = |step: &Step| GoldenStep {
            id: step.id.clone(),
            base: vec![kept(step, &transcript.observation(&step.id))],
            changes: Vec::new(),
            defect: None,
        };
        Golden {
            format: FORMAT.to_owned(),
            session: session.id.clone(),
            of: fingerprint(session),
            recorded: release.to_owned(),
            steps: session.steps.iter().map(step).collect(),
            why: Vec::new(),
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
            let in_base = |a: &Observation| step.base.iter().any(|b| b.differing(a).is_empty());
            let leaves = |a: &Alternative, b: &Observation| !a.seen.iter().any(|a| b.differing(a).is_empty());
            // Fewer of the base's values are a change, too.
            let narrows =
                |a: &Alternative| a.seen.iter().all(in_base) && step.base.iter().any(|b| leaves(a, b));
            let idle = |a: &Alternative| a.seen.iter().any(in_base) && !narrows(a);
            if let Some(c) = step.changes.iter().position(idle) {
                return sense(&format!("steps[{i}].changes[{c}]"), "a change that changes nothing".into());
            }
        }
        for (i, accepted) in self.why.iter().enumerate() {
            if let Some(id) = accepted.steps.iter().find(|id| !wanted.contains(&id.as_str())) {
                return sense(&format!("why[{i}].steps"), format!("the session has no step `{id}`"));
            }
            for (name, text) in [("reason", &accepted.reason), ("reference", &accepted.reference)] {
                if text.trim().is_empty() {
                    return sense(&format!("why[{i}].{name}"), "a recording is accepted for a reason".into());
                }
            }
        }
        Ok(())
    }

    fn check_defects(&self, path: &Path, promises: &Promises) -> Result<(), FileError> {
        let wrong = |step: &GoldenStep| {
            let mends = |id: &String| step.changes.iter().any(|alternative| alternative.with.contains(id));
            step.defect.as_ref().and_then(|defect| defect.wrong(mends, promises))
        };
        match self.steps.iter().enumerate().find_map(|(i, step)| Some((i, wrong(step)?))) {
            Some((i, why)) => Err(FileError::sense(path, format!("steps[{i}].defect"), why)),
            None => Ok(()),
        }
    }
}

/// All goldens, by session.
#[derive(Clone, Debug, Default)]
pub struct Goldens(BTreeMap<String, (PathBuf, Golden)>);

impl FromIterator<Golden> for Goldens {
    /// Goldens that are in no file.
    fn from_iter<T: IntoIterator<Item = Golden>>(goldens: T) -> Self {
        Goldens(
            goldens.into_iter().map(|golden| (golden.session.clone(), (PathBuf::new(), golden))).collect(),
        )
    }
}

impl Goldens {
    /// Reads every golden below `dir`, and keeps those that fit their sessions; the others come back
    /// as what is wrong with them, so that they can be recorded again.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn load_fitting(
        dir: &Path,
        sessions: &Sessions,
        changes: &Changes,
        promises: &Promises,
    ) -> Result<(Self, Vec<FileError>), FileError> {
        let mut goldens = BTreeMap::new();
        let mut unfit = Vec::new();
        for path in file::json_below(dir)? {
            if path.to_string_lossy().ends_with(PENDING) {
                continue;
            }
            match Self::load_one(&path, sessions, changes, promises) {
                Ok(golden) => {
                    goldens.insert(golden.session.clone(), (path, golden));
                }
                Err(error) => unfit.push(error),
            }
        }
        Ok((Goldens(goldens), unfit))
    }

    fn load_one(
        path: &Path,
        sessions: &Sessions,
        changes: &Changes,
        promises: &Promises,
    ) -> Result<Golden, FileError> {
        let golden: Golden = file::read(path)?;
        file::check_stem(path, &golden.session)?;
        let Some(session) = sessions.get(&golden.session) else {
            let why = format!("there is no session `{}`; remove the golden", golden.session);
            return Err(FileError::sense(path, "session", why));
        };
        golden.check(path, session, changes)?;
        golden.check_defects(path, promises)?;
        Ok(golden)
    }

    /// The golden of a session.
    pub fn get(&self, session: &str) -> Option<&Golden> {
        self.0.get(session).map(|(_, golden)| golden)
    }

    /// The kinds of step at which a change shows: of each golden the first step that has it, because what comes
    /// later may only follow from that.
    pub(crate) fn kinds_with(&self, change: &str, sessions: &Sessions) -> BTreeSet<String> {
        let shows = |step: &&GoldenStep| step.changes.iter().any(|a| a.with.iter().any(|id| id == change));
        let first = |golden: &'_ Golden| {
            let step = golden.steps.iter().find(shows)?;
            Some(sessions.get(&golden.session)?.step(&step.id)?.action.kinds())
        };
        self.0.values().filter_map(|(_, golden)| first(golden)).flatten().collect()
    }

    /// The release that most of them were recorded on.
    pub(crate) fn usual_release(&self) -> Option<&str> {
        let mut counts = BTreeMap::new();
        for (_, golden) in self.0.values() {
            *counts.entry(golden.recorded.as_str()).or_insert(0) += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(release, _)| release)
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
