//! Transcripts: what user space saw, what the firmware saw and what the kernel said.

use schemars::JsonSchema;
use scrubjay_wire::LogLine;
use serde::{Deserialize, Serialize};

use crate::observation::{Observation, Seen, StepEnd};

/// The form that this program writes.
pub const FORMAT: &str = "scrubjay.transcript/1";

/// What a session gave on one kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// [`FORMAT`].
    pub format: String,
    /// The session's id.
    pub session: String,
    /// The steps that were begun, in order. A session that was ended early has fewer than its file.
    pub steps: Vec<Seen>,
    /// Damage and messages of other threads, that cannot be shown to belong to a step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unattributed: Vec<LogLine>,
}

impl Transcript {
    /// An empty one.
    pub fn new(session: &str) -> Self {
        Transcript {
            format: FORMAT.to_owned(),
            session: session.to_owned(),
            steps: Vec::new(),
            unattributed: Vec::new(),
        }
    }

    /// A step by its id.
    pub fn step(&self, id: &str) -> Option<&Seen> {
        self.steps.iter().find(|seen| seen.id == id)
    }

    /// Every step that was begun, a group before the steps of its branches.
    pub fn every_step(&self) -> Vec<&Seen> {
        fn walk<'a>(steps: &'a [Seen], all: &mut Vec<&'a Seen>) {
            for seen in steps {
                all.push(seen);
                seen.observation.branches.iter().for_each(|branch| walk(&branch.steps, all));
            }
        }
        let mut all = Vec::new();
        walk(&self.steps, &mut all);
        all
    }

    /// What a step gave; that it was not reached, if the session ended before it.
    pub fn observation(&self, id: &str) -> Observation {
        let not_reached = || Observation { end: StepEnd::NotReached, ..Observation::default() };
        self.step(id).map_or_else(not_reached, |seen| seen.observation.clone())
    }
}

/// What became of a session on a kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Performance {
    /// It was performed.
    Performed(Box<Transcript>),
    /// It could not be: never a pass.
    Failed {
        /// Why.
        why: String,
    },
    /// It does not apply to this kernel.
    Skipped {
        /// Why.
        why: String,
    },
}
