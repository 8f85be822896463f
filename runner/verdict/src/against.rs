//! One kernel held against another: what the reference gave is what is accepted. Needs no golden;
//! where a session has one, its sets of allowed values and its marks of defects still count.

use std::collections::BTreeMap;

use scrubjay_session::transcript::Performance;
use scrubjay_session::{Observation, Session, Step, Transcript};

use crate::explain::differing;
use crate::golden::{Golden, GoldenStep, Goldens};
use crate::history::ChangeProfile;
use crate::judge::{self, Books, Expectation, KernelVerdict, SessionVerdict, judge_session};

/// What a kernel gave that others are held against.
pub struct Reference {
    kernel: String,
    goldens: Goldens,
    changes: ChangeProfile,
    missing: BTreeMap<String, Missing>,
}

/// Why a session says nothing of the reference.
enum Missing {
    Skipped(String),
    Failed(String),
}

impl Reference {
    /// From what the sessions gave on it; `release` is what its version says.
    pub fn new(
        kernel: &str,
        release: &str,
        performances: &BTreeMap<String, Performance>,
        books: &Books,
    ) -> Self {
        let mut missing = BTreeMap::new();
        let mut goldens = Vec::new();
        for (id, performance) in performances {
            let Some(session) = books.sessions.get(id) else { continue };
            match performance {
                Performance::Skipped { why } => {
                    missing.insert(id.clone(), Missing::Skipped(why.clone()));
                }
                Performance::Failed { why } => {
                    missing.insert(id.clone(), Missing::Failed(why.clone()));
                }
                Performance::Performed(transcript) if hurt_at_boot(session, transcript) => {
                    let why = "it was hurt while it booted".to_owned();
                    missing.insert(id.clone(), Missing::Failed(why));
                }
                Performance::Performed(transcript) => {
                    let known = books.goldens.get(id);
                    goldens.push(accepted(session, transcript, release, known));
                }
            }
        }
        let changes =
            judge::judge(kernel, release, None, performances, &Expectation::default(), books).changes;
        Reference { kernel: kernel.to_owned(), goldens: goldens.into_iter().collect(), changes, missing }
    }

    /// Which changes it carries, as the goldens say.
    pub fn changes(&self) -> &ChangeProfile {
        &self.changes
    }

    /// The reference's id.
    pub fn kernel(&self) -> &str {
        &self.kernel
    }

    /// Why nothing can be held against what it gave in a session.
    pub fn missing(&self, session: &str) -> Option<&str> {
        self.missing.get(session).map(|missing| match missing {
            Missing::Skipped(why) | Missing::Failed(why) => why.as_str(),
        })
    }

    /// Judges one session by itself.
    pub fn judge_session(&self, id: &str, outcome: &Performance, books: &Books) -> SessionVerdict {
        let held = Books { goldens: &self.goldens, ..*books };
        let mut verdict = judge_session(id, outcome, &held);
        match (outcome, self.missing.get(id)) {
            (Performance::Performed(_), Some(Missing::Skipped(why))) => {
                (verdict.error, verdict.skipped) = (None, Some(self.told(why)));
            }
            (Performance::Performed(_), Some(Missing::Failed(why))) => verdict.error = Some(self.told(why)),
            (Performance::Skipped { .. }, Some(Missing::Failed(why))) => {
                (verdict.error, verdict.skipped) = (Some(self.told(why)), None);
            }
            // What the other kernel gave and this one cannot be asked for is no pass.
            (Performance::Skipped { why }, None) if self.goldens.get(id).is_some() => {
                let why = format!("performed on {}, and cannot be here: {why}", self.kernel);
                (verdict.error, verdict.skipped) = (Some(why), None);
            }
            _ => {}
        }
        verdict.defects = judge_session(id, outcome, books).defects;
        verdict
    }

    /// Judges a kernel whose sessions are judged. Which changes it carries is what the goldens say of
    /// `performances`, and is described only.
    pub fn conclude(
        &self,
        kernel: &str,
        release: &str,
        absent: Option<&str>,
        sessions: Vec<SessionVerdict>,
        performances: &BTreeMap<String, Performance>,
        books: &Books,
    ) -> KernelVerdict {
        let nothing = Expectation::default();
        let mut verdict = judge::conclude(kernel, release, absent, sessions, &nothing, books);
        verdict.changes = judge::judge(kernel, release, absent, performances, &nothing, books).changes;
        verdict
    }

    fn told(&self, why: &str) -> String {
        format!("nothing to compare with: on {} {why}", self.kernel)
    }
}

/// Whether nothing was performed because the boot came to damage.
fn hurt_at_boot(session: &Session, transcript: &Transcript) -> bool {
    !transcript.steps.iter().any(|seen| session.step(&seen.id).is_some())
}

fn accepted(session: &Session, transcript: &Transcript, release: &str, known: Option<&Golden>) -> Golden {
    let mut golden = Golden::record(session, transcript, release);
    for (i, (step, expected)) in session.steps.iter().zip(&mut golden.steps).enumerate() {
        let siblings = known.and_then(|known| known.steps.get(i)).map(|k| siblings(step, expected, k));
        expected.base.extend(siblings.unwrap_or_default());
    }
    golden
}

/// The other values of a set that the golden allows where the reference gave one of it.
fn siblings(step: &Step, reference: &GoldenStep, known: &GoldenStep) -> Vec<Observation> {
    let same = |value: &&Observation| {
        reference.base.first().is_some_and(|seen| differing(value, seen, step).is_empty())
    };
    let sets = std::iter::once(&known.base).chain(known.changes.iter().map(|alternative| &alternative.seen));
    let set = sets.into_iter().find(|set| set.iter().any(|value| same(&value)));
    set.into_iter().flatten().filter(|value| !same(value)).cloned().collect()
}
