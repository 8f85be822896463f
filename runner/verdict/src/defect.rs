//! Known defects: recorded behaviours that break a documented promise, and what a kernel shows of them.

use schemars::JsonSchema;
use scrubjay_session::Step;
use scrubjay_session::step::Outcome;
use serde::{Deserialize, Serialize};

use crate::explain::Explained;
use crate::golden::{Golden, GoldenStep};
use crate::promise::{Class, Promises};

/// A recorded behaviour that breaks a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// The promise, a documented one: where documentation is silent nothing is a defect.
    pub promise: String,
    /// Where the sentence stands that it breaks: document or header, and section.
    pub breaks: String,
    /// The change that mends it, once there is one; until then it is there on every kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_by: Option<String>,
}

/// A known defect on a kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefectSeen {
    /// The step's id.
    pub step: String,
    /// The defect.
    pub defect: Defect,
    /// What this kernel shows of it.
    pub state: DefectState,
}

/// What a kernel shows of a known defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefectState {
    /// It is there, as recorded.
    There,
    /// The kernel carries the change that mends it.
    Mended,
    /// The step gave something else, which is a finding.
    Changed,
    /// The step differs by build and is not compared.
    NotCompared,
    /// The session was not performed.
    NotTested,
}

impl DefectState {
    /// All of them.
    pub const ALL: [DefectState; 5] = [
        DefectState::There,
        DefectState::Mended,
        DefectState::Changed,
        DefectState::NotCompared,
        DefectState::NotTested,
    ];

    /// What users read.
    pub fn name(self) -> &'static str {
        match self {
            DefectState::There => "still there",
            DefectState::Mended => "mended",
            DefectState::Changed => "changed",
            DefectState::NotCompared => "not compared",
            DefectState::NotTested => "not tested",
        }
    }
}

impl Defect {
    /// What is wrong with the mark of a step, and the remedy.
    pub(crate) fn wrong(&self, step: &GoldenStep, promises: &Promises) -> Option<String> {
        let promise = promises.get(&self.promise);
        let mends = |id: &String| step.changes.iter().any(|alternative| alternative.with.contains(id));
        match promise.map(|promise| promise.class) {
            None => Some(format!("there is no promise `{}` in vectors/promises", self.promise)),
            Some(Class::Implied | Class::Incidental) => Some(format!(
                "promise `{}` is not documented; a defect breaks a sentence of the documentation",
                self.promise
            )),
            Some(Class::Documented) if self.breaks.trim().is_empty() => {
                Some("`breaks` is empty; say where the sentence stands that is broken".to_owned())
            }
            Some(Class::Documented) => self.mended_by.as_ref().filter(|id| !mends(id)).map(|id| {
                format!("no alternative of the step has `{id}`, so no kernel could be seen to mend it")
            }),
        }
    }
}

/// What a step that was performed shows of its defect.
pub(crate) fn seen(golden: &GoldenStep, step: &Step, explained: &Explained) -> Option<DefectSeen> {
    let defect = golden.defect.as_ref()?;
    let mended = |with: &[String]| defect.mended_by.as_ref().is_some_and(|id| with.contains(id));
    let state = match explained {
        Explained::Not { .. } => DefectState::Changed,
        _ if step.outcome == Outcome::Undefined => DefectState::NotCompared,
        Explained::With { with, .. } if mended(with) => DefectState::Mended,
        Explained::With { .. } | Explained::Base(_) => DefectState::There,
    };
    Some(DefectSeen { step: golden.id.clone(), defect: defect.clone(), state })
}

/// The defects of a session that was not performed.
pub(crate) fn not_tested(golden: &Golden) -> Vec<DefectSeen> {
    let mark = |step: &GoldenStep| {
        let (step, defect) = (step.id.clone(), step.defect.clone()?);
        Some(DefectSeen { step, defect, state: DefectState::NotTested })
    };
    golden.steps.iter().filter_map(mark).collect()
}
