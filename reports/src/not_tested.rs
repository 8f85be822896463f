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
    /// Which sessions, or how many.
    pub who: String,
    /// Why.
    pub why: String,
    /// On which kernels; empty where the run has but one.
    pub kernels: Vec<String>,
}

/// Errors and skips of sessions, by reason.
pub fn sessions(run: &Run) -> Vec<NotTested> {
    let mut reasons: BTreeMap<(bool, &str), BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for kernel in &run.kernels {
        for session in kernel.verdict.iter().flat_map(|verdict| &verdict.sessions) {
            let (skipped, why) = match (&session.error, &session.skipped) {
                (Some(why), _) => (false, why),
                (None, Some(why)) => (true, why),
                (None, None) => continue,
            };
            let sessions = reasons.entry((skipped, why)).or_default();
            sessions.entry(&session.session).or_default().push(&kernel.kernel);
        }
    }
    let told = reasons.into_iter().map(|((skipped, why), sessions)| {
        let mut kernels: Vec<String> = Vec::new();
        if run.kernels.len() > 1 {
            let on =
                |kernel: &&KernelReport| sessions.values().any(|ids| ids.contains(&kernel.kernel.as_str()));
            kernels = run.kernels.iter().filter(on).map(|kernel| kernel.kernel.clone()).collect();
        }
        let who = match sessions.len() {
            n if n <= NAMED => sessions.keys().copied().collect::<Vec<_>>().join(", "),
            n => count(n, "session"),
        };
        NotTested { skipped, who, why: why.to_owned(), kernels }
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
