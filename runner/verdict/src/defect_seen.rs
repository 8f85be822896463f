//! What a kernel shows of a known defect.

use schemars::JsonSchema;
use scrubjay_session::Step;
use scrubjay_session::step::Outcome;
use serde::{Deserialize, Serialize};

use crate::defect::Defect;
use crate::explain::Explained;
use crate::golden::{Golden, GoldenStep};

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
