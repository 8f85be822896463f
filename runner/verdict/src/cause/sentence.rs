//! What changed, in a sentence.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::rule::{Rule, id};

use super::follow::Group;
use super::way;

/// The most calls that a sentence names.
const NAMED: usize = 3;

/// Title of the rule, what is called, and how it differs.
pub fn of(group: &Group) -> String {
    let title = Rule::find(group.rule).map_or("", |rule| rule.title.as_str());
    if group.rule == id::TAINT_LOST && group.own.iter().all(|f| f.untainted) {
        return format!(
            "{title}: the RPC that taints a guest before its sessions, at scope debug-write, did not"
        );
    }
    let exact: BTreeSet<_> = group.own.iter().map(|finding| way::of(finding).exact).collect();
    let how = match (exact.into_iter().collect::<Vec<_>>().as_slice(), way::keys(&group.own).as_slice()) {
        ([exact], _) => exact.clone(),
        (_, [(key, _)]) => key.clone(),
        (_, [(first, n), (second, m)]) => format!("{first} ({n} of {}), or {second} ({m})", n + m),
        (_, [(first, n), others @ ..]) => {
            format!("{first} ({n} of {}), or differs in {} other ways", group.own.len(), others.len())
        }
        (_, []) => String::new(),
    };
    match calls(&group.own) {
        calls if calls.is_empty() => format!("{title}: {how}"),
        calls if is_predicate(&how) => format!("{title}: {calls} {how}"),
        calls => format!("{title}: {calls}: {how}"),
    }
}

/// Words by which a way goes on where the call is its subject.
const VERBS: [&str; 14] = [
    "also", "answers", "changes", "comes", "gives", "hangs", "has", "is", "kills", "lacks", "lets", "no",
    "reads", "refuses",
];

/// Whether a way is said of the call, and has no subject of its own.
fn is_predicate(way: &str) -> bool {
    let first = way.split(' ').next().unwrap_or_default();
    VERBS.contains(&first) || ["returns", "taints"].contains(&first)
}

/// What is called, with the scope or file where it is always the same.
fn calls(findings: &[&Finding]) -> String {
    let calls: BTreeSet<&str> =
        findings.iter().map(|f| f.call.as_str()).filter(|call| !call.is_empty()).collect();
    let targets: BTreeSet<&str> = findings.iter().map(|f| f.target.as_str()).collect();
    let more = calls.len().saturating_sub(NAMED);
    let mut told = calls.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        told.push_str(&format!(" and {more} more"));
    }
    match targets.first().filter(|target| targets.len() == 1 && !target.is_empty()) {
        Some(target) => format!("{told} ({target})"),
        None => told,
    }
}
