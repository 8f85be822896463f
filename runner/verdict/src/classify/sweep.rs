//! Rules for a range of calls.

use crate::rule::id;
use scrubjay_wire::Run;

/// The rule for other results of a sweep.
pub fn rule(accepted: &[Run], seen: &[Run]) -> &'static str {
    let (mut blocked, mut unblocked) = (false, false);
    // A result holds from one edge of either side to the next.
    let mut edges: Vec<u64> = accepted.iter().chain(seen).map(|run| run.first).collect();
    edges.sort_unstable();
    edges.dedup();
    for edge in edges {
        let errno = |runs: &[Run]| runs.iter().find(|run| covers(run, edge)).map(|run| run.errno);
        match (errno(accepted), errno(seen)) {
            (Some(0), Some(is)) if is != 0 => blocked = true,
            (Some(was), Some(0)) if was != 0 => unblocked = true,
            _ => {}
        }
    }
    match (blocked, unblocked) {
        (true, false) => id::SWEEP_BLOCKED,
        (false, true) => id::SWEEP_UNBLOCKED,
        _ => id::SWEEP_CHANGED,
    }
}

fn covers(run: &Run, round: u64) -> bool {
    run.first <= round && round - run.first < run.count
}
