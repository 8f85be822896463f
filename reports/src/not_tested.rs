//! What a run did not test, a line for each reason. The same for every text format.

use std::collections::BTreeMap;

use crate::run::{KernelReport, KernelState, Run};
use crate::text::{count, plain};

/// Sessions that are named; more are counted.
const NAMED: usize = 3;

/// Something that was not tested.
pub struct NotTested {
    /// False for an error.
    pub skipped: bool,
    /// Which sessions, or how many; and on which kernels, where the run has more than one.
    pub who: String,
    /// Why.
    pub why: String,
}

/// The sessions of a kernel that came to an error or a skip, by which of the two it is (errors come first) and why.
pub fn by_reason(kernel: &KernelReport) -> BTreeMap<(bool, &str), Vec<&str>> {
    let mut reasons: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
    for session in kernel.verdict.iter().flat_map(|verdict| &verdict.sessions) {
        let reason = match (&session.error, &session.skipped) {
            (Some(why), _) => (false, why.as_str()),
            (None, Some(why)) => (true, why.as_str()),
            (None, None) => continue,
        };
        reasons.entry(reason).or_default().push(&session.session);
    }
    reasons
}

/// Errors and skips of sessions, by reason.
pub fn sessions(run: &Run) -> Vec<NotTested> {
    let mut reasons: BTreeMap<(bool, &str), BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for kernel in &run.kernels {
        for (reason, ids) in by_reason(kernel) {
            let sessions = reasons.entry(reason).or_default();
            ids.into_iter().for_each(|id| sessions.entry(id).or_default().push(&kernel.kernel));
        }
    }
    let told = reasons.into_iter().map(|((skipped, why), sessions)| {
        let mut who = match sessions.len() {
            n if n <= NAMED => sessions.keys().copied().collect::<Vec<_>>().join(", "),
            n => count(n, "session"),
        };
        if run.kernels.len() > 1 {
            let on = |kernel: &&&str| sessions.values().any(|kernels| kernels.contains(*kernel));
            let kernels: Vec<_> = run.kernels.iter().map(|kernel| kernel.kernel.as_str()).collect();
            who.push_str(&format!(
                ", on {}",
                kernels.iter().filter(on).copied().collect::<Vec<_>>().join(", ")
            ));
        }
        NotTested { skipped, who, why: why.to_owned() }
    });
    told.collect()
}

/// What could not be observed, the kernels of each reason together.
pub fn unobserved(run: &Run) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kernel in &run.kernels {
        for why in &kernel.not_checked {
            reasons.entry(why).or_default().push(&kernel.kernel);
        }
    }
    let all = run.kernels.iter().filter(|kernel| kernel.state == KernelState::Judged).count();
    let told = reasons.into_iter().map(|(why, kernels)| match kernels.len() == all {
        true => plain(why),
        false => plain(&format!("{why}, on {}", kernels.join(", "))),
    });
    told.collect()
}
