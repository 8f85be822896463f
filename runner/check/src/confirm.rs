//! A suspected break is run again on a fresh boot before it is called one.

use std::collections::BTreeMap;

use scrubjay_engine::{KernelRun, Lab};
use scrubjay_session::Performance;
use scrubjay_verdict::finding::Repeat;
use scrubjay_verdict::{Policy, Rule, SessionVerdict};

use crate::run::Check;
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

#[cfg(test)]
mod tests {
    use scrubjay_verdict::finding::Place;
    use scrubjay_verdict::waiver::Waived;
    use scrubjay_verdict::{Finding, Promises};

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
}
