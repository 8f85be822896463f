//! A suspected break is run again on a fresh boot before it is called one.

use std::collections::{BTreeMap, BTreeSet};

use scrubjay_engine::{KernelRun, Lab};
use scrubjay_session::Performance;
use scrubjay_verdict::finding::Repeat;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Finding, KernelVerdict, Policy, Rule, SessionVerdict};

use crate::check::Check;
use crate::target::Target;

/// How often a finding that does not come again at once is looked for.
const ROUNDS: u32 = 2;

/// Whether a session's break may be chance: what hurts the kernel is conclusive the first time.
pub fn is_suspect(verdict: &SessionVerdict, policy: Policy) -> bool {
    let breaks = || verdict.findings.iter().filter(|f| f.breaks(policy));
    let conclusive = |rule: &str| Rule::find(rule).is_some_and(|rule| rule.conclusive);
    breaks().next().is_some() && !breaks().any(|f| conclusive(&f.rule))
}

/// How often each finding was seen.
#[derive(Default)]
pub struct Repeats(BTreeMap<String, Repeat>);

impl Repeats {
    /// Writes into a session's findings how often each was seen.
    pub fn apply(&self, verdict: &mut SessionVerdict) {
        for finding in &mut verdict.findings {
            finding.repeat = self.0.get(&finding.fingerprint).copied();
        }
    }
}

/// Runs the suspected sessions again, each round on fresh boots, until each finding came twice or
/// the rounds are over.
pub fn confirm(check: &Check, target: &Target, suspects: &[String], run: &KernelRun) -> Repeats {
    let lab: &Lab = check.lab;
    let mut repeats = Repeats::default();
    for id in suspects {
        if let Some(performance) = run.performances.get(id) {
            for finding in check.judge_one(target, id, performance).findings {
                repeats.0.insert(finding.fingerprint, Repeat { seen: 1, of: 1 });
            }
        }
    }
    let mut left: Vec<_> = suspects.iter().filter_map(|id| check.library.sessions.get(id)).collect();
    for _ in 0..ROUNDS {
        if left.is_empty() {
            break;
        }
        let again = lab.run(&target.kernel, &left, &mut |_| {});
        left.retain(|session| {
            // A session that could not be run again neither confirms nor denies.
            let Some(performance @ Performance::Performed(_)) = again.performances.get(&session.id) else {
                return false;
            };
            let seen: Vec<_> = check
                .judge_one(target, &session.id, performance)
                .findings
                .into_iter()
                .map(|f| f.fingerprint)
                .collect();
            let first =
                run.performances.get(&session.id).map(|p| check.judge_one(target, &session.id, p).findings);
            let mut all_again = true;
            for finding in first.unwrap_or_default() {
                if let Some(repeat) = repeats.0.get_mut(&finding.fingerprint) {
                    repeat.of += 1;
                    match seen.contains(&finding.fingerprint) {
                        true => repeat.seen += 1,
                        false => all_again = false,
                    }
                }
            }
            !all_again
        });
    }
    repeats
}

/// The sessions by which a kernel lacks a change, or carries it in part, where that breaks: all that
/// lack it, or the fewer of those that carry it and those that do not.
fn doubtful(verdict: &KernelVerdict, policy: Policy) -> BTreeSet<String> {
    if !verdict.findings.iter().any(|f| is_history(f) && f.breaks(policy)) {
        return BTreeSet::new();
    }
    let regressed = |session: &&SessionVerdict| {
        session.lacks.iter().any(|change| verdict.changes.regressed.contains(change))
    };
    let lacking = verdict.sessions.iter().filter(regressed).map(|s| s.session.clone());
    let fewer = verdict.changes.inconsistent.iter().flat_map(|part| match &part.carried_in {
        carried if carried.len() < part.lacked_in.len() => carried,
        _ => &part.lacked_in,
    });
    lacking.chain(fewer.cloned()).collect()
}

fn is_history(finding: &Finding) -> bool {
    [id::REGRESSED, id::CHANGE_INCONSISTENT].contains(&finding.rule.as_str())
}

/// Looks again whether a kernel lacks a change, or carries it in part, and writes into those findings
/// how often that was seen.
pub fn confirm_history(check: &Check, target: &Target, run: &KernelRun, verdict: &mut KernelVerdict) {
    let ids = doubtful(verdict, check.policy);
    let sessions: Vec<_> = ids.iter().filter_map(|id| check.library.sessions.get(id)).collect();
    let mut findings: Vec<_> = verdict.findings.iter_mut().filter(|f| is_history(f)).collect();
    for _ in 0..ROUNDS {
        let once = |finding: &&mut Finding| finding.repeat.is_none_or(|repeat| repeat.seen < 2);
        if sessions.is_empty() || !findings.iter().any(once) {
            break;
        }
        let again = check.lab.run(&target.kernel, &sessions, &mut |_| {}).performances;
        // A session that could not be run again neither confirms nor denies.
        if !again.values().all(|performance| matches!(performance, Performance::Performed(_))) {
            break;
        }
        let mut merged = run.clone();
        merged.performances.extend(again);
        let seen = check.judge_run(target, &merged).findings;
        for finding in &mut findings {
            let same = |other: &Finding| other.rule == finding.rule && other.accepted == finding.accepted;
            let earlier = finding.repeat.unwrap_or(Repeat { seen: 1, of: 1 });
            let seen = earlier.seen + u32::from(seen.iter().any(same));
            finding.repeat = Some(Repeat { seen, of: earlier.of + 1 });
        }
    }
}

#[cfg(test)]
mod tests {
    use scrubjay_verdict::Promises;
    use scrubjay_verdict::finding::Place;
    use scrubjay_verdict::finding::Waived;
    use scrubjay_verdict::judge::{ChangeProfile, Inconsistent};

    use super::*;

    fn finding(rule: &str) -> Finding {
        let at = Place { session: "s", step: "step", field: None, promise: "" };
        Finding::new(rule, at, "ok".into(), "EINVAL".into(), &Promises::default())
    }

    fn suspect(findings: Vec<Finding>) -> bool {
        let verdict = SessionVerdict { findings, ..SessionVerdict::new("s") };
        is_suspect(&verdict, Policy::Frozen)
    }

    #[test]
    fn a_break_may_be_chance() {
        assert!(suspect(vec![finding("get-blocked")]));
        assert!(!suspect(vec![finding("known-damage")]));
        assert!(!suspect(Vec::new()));
    }

    #[test]
    fn what_hurts_the_kernel_is_conclusive_when_seen_once() {
        for rule in ["kernel-oops", "kernel-warning", "kernel-sanitizer", "kernel-lockdep", "kernel-hung"] {
            assert!(!suspect(vec![finding(rule), finding("get-blocked")]), "{rule}");
        }
    }

    #[test]
    fn what_is_waived_is_not_run_again() {
        let mut waived = finding("get-blocked");
        let expires = "2026-12-31".parse().unwrap();
        waived.waived = Some(Waived { reason: "r".into(), reference: "r".into(), expires });
        assert!(!suspect(vec![waived.clone()]));
        assert!(suspect(vec![waived, finding("set-blocked")]));
    }

    #[test]
    fn a_session_says_of_each_finding_how_often_it_was_seen() {
        let mut verdict =
            SessionVerdict { findings: vec![finding("get-blocked")], ..SessionVerdict::new("s") };
        let seen = Repeat { seen: 1, of: 3 };
        Repeats([(verdict.findings[0].fingerprint.clone(), seen)].into()).apply(&mut verdict);
        assert_eq!(verdict.findings[0].repeat, Some(seen));
    }

    fn kernel(rule: &str, changes: ChangeProfile, sessions: Vec<SessionVerdict>) -> KernelVerdict {
        let (kernel, release) = ("k".to_owned(), String::new());
        KernelVerdict { kernel, release, findings: vec![finding(rule)], sessions, changes }
    }

    #[test]
    fn of_a_change_carried_in_part_the_fewer_sessions_are_doubted() {
        let part = |carried: &[&str], lacked: &[&str]| {
            let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
            let (carried_in, lacked_in) = (owned(carried), owned(lacked));
            let inconsistent = vec![Inconsistent { change: "c".into(), carried_in, lacked_in }];
            let profile = ChangeProfile { inconsistent, ..ChangeProfile::default() };
            Vec::from_iter(doubtful(&kernel("change-inconsistent", profile, Vec::new()), Policy::Frozen))
        };
        assert_eq!(part(&["a"], &["b", "c"]), ["a"]);
        assert_eq!(part(&["a", "b"], &["c"]), ["c"]);
    }

    #[test]
    fn of_a_change_that_is_lost_every_session_that_lacks_it_is_doubted() {
        let lacks = |id: &str, change: &str| SessionVerdict {
            lacks: vec![change.to_owned()],
            ..SessionVerdict::new(id)
        };
        let profile = ChangeProfile { regressed: vec!["c".into()], ..ChangeProfile::default() };
        let sessions = vec![lacks("a", "c"), lacks("b", "another")];
        assert_eq!(
            Vec::from_iter(doubtful(&kernel("regressed", profile.clone(), sessions.clone()), Policy::Frozen)),
            ["a"]
        );
        assert!(doubtful(&kernel("get-blocked", profile, sessions), Policy::Frozen).is_empty());
    }
}
