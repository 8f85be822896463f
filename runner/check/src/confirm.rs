//! A suspected break is run again on fresh boots before it is called one.
//!
//! Only runs in which the host gave the guest its time count. What came again at once is confirmed. What did not is
//! looked for up to [`ROUNDS`] times more, and is told where it came twice in them ([`Repeat::is_settled`]); else nothing is
//! said of the kernel.

use std::collections::{BTreeMap, BTreeSet};

use scrubjay_engine::{CameUp, KernelRun, plan};
use scrubjay_machine::MOST_DEVICES;
use scrubjay_session::{Field, Performance, Session};
use scrubjay_verdict::finding::Repeat;
use scrubjay_verdict::history::{is_of_history, wanted};
use scrubjay_verdict::{Finding, KernelVerdict, Policy, SessionVerdict};

use crate::check::Check;
use crate::company::{Victim, culprits};
use crate::target::Target;

/// How often a finding that did not come again at once is looked for.
const ROUNDS: u32 = 10;

/// How often a session may fail to be run again: each time it was tried several times already.
const FAILURES: u32 = 2;

/// Which finding: the value that was seen may be another each time.
type Key = (String, String, String, Option<Field>);

fn key(finding: &Finding) -> Key {
    (finding.rule.clone(), finding.session.clone(), finding.step.clone(), finding.field)
}

/// A session whose break is looked at again.
struct Case<'a> {
    session: &'a Session,
    /// Each finding, and whether it breaks.
    counts: BTreeMap<Key, (Repeat, bool)>,
    failed: Vec<String>,
    /// What it gave the first time that it was run again.
    again: Option<Performance>,
}

impl<'a> Case<'a> {
    fn new(session: &'a Session, first: &SessionVerdict, policy: Policy) -> Self {
        let counts = first.findings.iter().map(|f| (key(f), (Repeat::FIRST, f.breaks(policy)))).collect();
        Case { session, counts, failed: Vec::new(), again: None }
    }

    fn breaking(&self) -> impl Iterator<Item = (&Key, Repeat)> {
        self.counts.iter().filter(|(_, (_, breaks))| *breaks).map(|(key, (count, _))| (key, *count))
    }

    fn is_open(&self) -> bool {
        self.failed.len() < FAILURES as usize && !self.breaking().all(|(_, count)| count.is_settled())
    }

    /// Whether none of its breaks came again the first time that it was run again.
    fn passed_alone(&self) -> bool {
        self.again.is_some() && self.breaking().all(|(_, count)| count == Repeat { seen: 1, of: 2 })
    }

    /// Takes what it gave when it was run again; a run that came to nothing counts for nothing.
    fn take(&mut self, performance: Option<&Performance>, judge: &dyn Fn(&Performance) -> SessionVerdict) {
        match performance {
            Some(performed @ Performance::Performed(_)) => {
                let seen: BTreeSet<_> = judge(performed).findings.iter().map(key).collect();
                self.counts.iter_mut().for_each(|(key, (count, _))| count.add(seen.contains(key)));
                self.again.get_or_insert_with(|| performed.clone());
            }
            Some(Performance::Failed { why } | Performance::Skipped { why }) => self.failed.push(why.clone()),
            None => self.failed.push("it was not performed".to_owned()),
        }
    }

    /// Why nothing can be said of the kernel, where that is so.
    fn unsettled(&self) -> Option<String> {
        let (key, count) = self.breaking().find(|(_, count)| !count.is_settled())?;
        let Repeat { seen, of } = count;
        let (rule, step) = (&key.0, &key.2);
        let why = self.failed.last().map(|why| format!("; when it was run again: {why}")).unwrap_or_default();
        Some(format!(
            "{rule} at step {step} was seen in {seen} of {of} runs, which is too rarely to tell it from chance{why}"
        ))
    }
}

/// What became of the suspects.
#[derive(Default)]
pub struct Confirmed {
    counts: BTreeMap<Key, Repeat>,
    unsettled: BTreeSet<Key>,
    /// Why a session says nothing of the kernel.
    errors: BTreeMap<String, String>,
    /// What sessions gave alone that had failed in company only.
    pub alone: BTreeMap<String, Performance>,
    /// How the guests came up that this took.
    pub came_up: CameUp,
}

impl Confirmed {
    /// Writes into a session's findings how often each was seen, and what could not be settled.
    pub fn apply(&self, verdict: &mut SessionVerdict) {
        for finding in &mut verdict.findings {
            let key = key(finding);
            finding.repeat = self.counts.get(&key).copied();
            finding.unsettled = self.unsettled.contains(&key);
        }
        if let Some(why) = self.errors.get(&verdict.session) {
            verdict.error.get_or_insert_with(|| why.clone());
            // Nor does it say anything of the kernel's place in the history.
            verdict.carries.clear();
            verdict.lacks.clear();
        }
    }

    /// Takes in what became of others.
    pub fn add(&mut self, other: Confirmed) {
        self.counts.extend(other.counts);
        self.unsettled.extend(other.unsettled);
        self.errors.extend(other.errors);
        self.alone.extend(other.alone);
        self.came_up.add(other.came_up);
    }

    fn error(&mut self, session: &str, why: String) {
        let errors = self.errors.entry(session.to_owned()).or_default();
        if !errors.is_empty() {
            errors.push('\n');
        }
        errors.push_str(&why);
    }
}

/// Runs the suspected sessions again, each round on fresh boots, until each finding is settled or the rounds are over.
pub fn confirm(check: &Check, target: &Target, suspects: &[String], run: &KernelRun) -> Confirmed {
    let mut confirmed = Confirmed::default();
    let mut cases: Vec<Case> = suspects
        .iter()
        .filter_map(|id| Some((check.library.sessions.get(id)?, run.performances.get(id)?)))
        .map(|(s, performance)| Case::new(s, &check.judge_one(target, &s.id, performance), check.policy))
        .collect();
    for round in 0..=ROUNDS {
        let mut open: Vec<_> = cases.iter_mut().filter(|case| case.is_open()).collect();
        if open.is_empty() {
            break;
        }
        let sessions: Vec<_> = open.iter().map(|case| case.session).collect();
        let stands = |id: &str, performance: &Performance| check.stands(target, id, performance);
        // What is told of a kernel was seen in a guest that booted with its devices.
        let again = check.lab.run_apart(&target.kernel, &sessions, round == 0, &stands, &mut |_| {});
        for case in &mut open {
            let id = &case.session.id;
            case.take(again.performances.get(id), &|performance| check.judge_one(target, id, performance));
        }
        confirmed.came_up.add(again.came_up);
        if round == 0 {
            blame_company(check, target, run, &mut cases, &mut confirmed);
        }
    }
    for case in &cases {
        if let Some(why) = case.unsettled() {
            let seldom = case.breaking().filter(|(_, count)| !count.is_settled());
            confirmed.unsettled.extend(seldom.map(|(key, _)| key.clone()));
            confirmed.error(&case.session.id, why);
        }
        confirmed.counts.extend(case.counts.iter().map(|(key, (count, _))| (key.clone(), *count)));
    }
    confirmed
}

/// Finds the sessions after which others fail that pass alone. The victims are no cases any more.
fn blame_company(
    check: &Check,
    target: &Target,
    run: &KernelRun,
    cases: &mut Vec<Case>,
    confirmed: &mut Confirmed,
) {
    let before = |id: &String| {
        // Where it was tried again, the last guest is the one whose result was kept.
        let guest = run.guests.iter().rfind(|guest| guest.contains(id))?;
        let before: Vec<_> = guest.iter().take_while(|other| *other != id).cloned().collect();
        (!before.is_empty()).then(|| Victim { session: id.clone(), before })
    };
    let victims: Vec<_> =
        cases.iter().filter(|case| case.passed_alone()).filter_map(|case| before(&case.session.id)).collect();
    let mut came_up = CameUp::default();
    let found = culprits(&victims, &mut |before, victims| {
        let ids = before.iter().chain(victims);
        let sessions: Vec<_> = ids.filter_map(|id| check.library.sessions.get(id)).collect();
        // Nobody is put off: who is tried again is tried alone. What is looked for is the same break at the same step.
        let plans = plan(&sessions, MOST_DEVICES);
        let run = check.lab.run_plans(&target.kernel, &plans, &|_, _| true, &mut |_| {});
        came_up.add(run.came_up.clone());
        let in_one_guest = |victim: &String| {
            let guest = run.guests.iter().find(|guest| guest.contains(victim));
            guest.is_some_and(|guest| before.iter().all(|id| guest.contains(id)))
        };
        let fails = |victim: &&String| {
            let Some(performance @ Performance::Performed(_)) = run.performances.get(*victim) else {
                return false;
            };
            let seen: BTreeSet<_> =
                check.judge_one(target, victim, performance).findings.iter().map(key).collect();
            let case = cases.iter().find(|case| case.session.id == **victim);
            case.is_some_and(|case| case.breaking().any(|(key, _)| seen.contains(key)))
        };
        victims.iter().filter(|victim| in_one_guest(victim)).filter(fails).cloned().collect()
    });
    confirmed.came_up.add(came_up);
    for disturbance in found {
        for culprit in &disturbance.culprits {
            confirmed.error(culprit, disturbance.told(culprit));
        }
        for victim in &disturbance.victims {
            let at = cases.iter().position(|case| case.session.id == *victim);
            let alone = at.map(|at| cases.remove(at)).and_then(|case| case.again);
            confirmed.alone.extend(alone.map(|performance| (victim.clone(), performance)));
        }
    }
}

/// The sessions by which a kernel lacks a change or a fix that it has to have, or carries one in part,
/// where that breaks: all that lack it, or the fewer of those that carry it and those that do not.
fn doubtful(verdict: &KernelVerdict, policy: Policy) -> BTreeSet<String> {
    if !verdict.findings.iter().any(|f| is_history(f) && f.breaks(policy)) {
        return BTreeSet::new();
    }
    let wanted = wanted(&verdict.changes, &verdict.findings);
    let lacking = |session: &&SessionVerdict| session.lacks.iter().any(|id| wanted.contains(id.as_str()));
    let lacking = verdict.sessions.iter().filter(lacking).map(|s| s.session.clone());
    let fewer = verdict.changes.inconsistent.iter().flat_map(|part| match &part.carried_in {
        carried if carried.len() < part.lacked_in.len() => carried,
        _ => &part.lacked_in,
    });
    lacking.chain(fewer.cloned()).collect()
}

fn is_history(finding: &Finding) -> bool {
    is_of_history(&finding.rule)
}

/// Looks again whether a kernel lacks a change, or carries it in part, and writes into those findings
/// how often that was seen. Gives how the guests came up that this took.
pub fn confirm_history(
    check: &Check,
    target: &Target,
    run: &KernelRun,
    settled: &Confirmed,
    verdict: &mut KernelVerdict,
) -> CameUp {
    let ids = doubtful(verdict, check.policy);
    let sessions: Vec<_> = ids.iter().filter_map(|id| check.library.sessions.get(id)).collect();
    let policy = check.policy;
    let doubted = |finding: &&mut Finding| is_history(finding) && finding.breaks(policy);
    let mut findings: Vec<_> =
        verdict.findings.iter_mut().filter(doubted).map(|finding| (finding, Repeat::FIRST)).collect();
    let (mut failed, mut more) = (0, CameUp::default());
    for round in 0..=ROUNDS {
        if sessions.is_empty() || failed == FAILURES || findings.iter().all(|(_, count)| count.is_settled()) {
            break;
        }
        let stands = |id: &str, performance: &Performance| check.stands(target, id, performance);
        let again = check.lab.run_apart(&target.kernel, &sessions, round == 0, &stands, &mut |_| {});
        more.add(again.came_up);
        // A session that could not be run again neither confirms nor denies.
        if !again.performances.values().all(|performance| matches!(performance, Performance::Performed(_))) {
            failed += 1;
            continue;
        }
        let mut merged = run.clone();
        merged.performances.extend(again.performances);
        let seen = check.judge_run(target, &merged, &|verdict| settled.apply(verdict)).findings;
        for (finding, count) in &mut findings {
            let same = |other: &Finding| other.rule == finding.rule && other.accepted == finding.accepted;
            count.add(seen.iter().any(same));
        }
    }
    for (finding, count) in findings {
        finding.repeat = (count.of > 1).then_some(count);
        finding.unsettled = !sessions.is_empty() && !count.is_settled();
    }
    more
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scrubjay_verdict::Promises;
    use scrubjay_verdict::finding::Place;
    use scrubjay_verdict::finding::Waived;
    use scrubjay_verdict::history::{ChangeProfile, Inconsistent, MissingFix, MissingFixes};

    use super::*;

    fn finding(rule: &str) -> Finding {
        let at = Place { session: "s", step: "step", field: None, promise: "" };
        Finding::new(rule, at, "ok".into(), "EINVAL".into(), &Promises::default())
    }

    fn suspect(findings: Vec<Finding>) -> bool {
        let verdict = SessionVerdict { findings, ..SessionVerdict::new("s") };
        verdict.is_suspect(Policy::Frozen)
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

    fn case(session: &Session) -> Case<'_> {
        let first = SessionVerdict { findings: vec![finding("get-blocked")], ..SessionVerdict::new("s") };
        Case::new(session, &first, Policy::Frozen)
    }

    fn session() -> Session {
        let json = r#"{"format":"scrubjay.session/1","id":"s","title":"t","devices":["x"],"promise":"A01",
            "steps":[{"id":"step","do":{"taint":{}}}]}"#;
        serde_json::from_str(json).unwrap()
    }

    /// Runs again until the case is closed: whether the break is seen each time, `None` for a run that came to nothing.
    fn rounds(case: &mut Case, seen: &[Option<bool>]) -> usize {
        let mut made = 0;
        for seen in seen.iter().take(1 + ROUNDS as usize) {
            if !case.is_open() {
                break;
            }
            made += 1;
            let performance = match seen {
                Some(_) => Performance::Performed(Box::new(scrubjay_session::Transcript::new("s"))),
                None => Performance::Failed { why: "the host did not let it run".into() },
            };
            let findings = if *seen == Some(true) { vec![finding("get-blocked")] } else { Vec::new() };
            case.take(Some(&performance), &|_| SessionVerdict {
                findings: findings.clone(),
                ..SessionVerdict::new("s")
            });
        }
        made
    }

    #[rstest]
    #[case::each_time(&[Some(true)], 1, Repeat { seen: 2, of: 2 }, true)]
    #[case::twice_of_those_after_it_was_missed(&[Some(false), Some(true), Some(false), Some(true)], 4, Repeat { seen: 3, of: 5 }, true)]
    #[case::once_of_eleven(&[Some(false); 20], 11, Repeat { seen: 1, of: 12 }, false)]
    #[case::twice_of_twelve(
        &[Some(false), Some(true), Some(false), Some(false), Some(false), Some(false), Some(false), Some(false), Some(false), Some(false), Some(false)],
        11, Repeat { seen: 2, of: 12 }, false)]
    #[case::runs_that_came_to_nothing_do_not_count(&[None, Some(true)], 2, Repeat { seen: 2, of: 2 }, true)]
    #[case::never_run_again(&[None, None, Some(true)], 2, Repeat { seen: 1, of: 1 }, false)]
    fn a_break_is_told_where_it_comes_again(
        #[case] seen: &[Option<bool>],
        #[case] made: usize,
        #[case] repeat: Repeat,
        #[case] told: bool,
    ) {
        let session = session();
        let mut case = case(&session);
        assert_eq!(rounds(&mut case, seen), made);
        assert_eq!(case.breaking().next().unwrap().1, repeat);
        assert_eq!(case.unsettled().is_none(), told);
    }

    #[test]
    fn another_value_at_the_same_place_is_the_same_break() {
        let session = session();
        let mut case = case(&session);
        let mut other = finding("get-blocked");
        other.fingerprint = "another".into();
        let performance = Performance::Performed(Box::new(scrubjay_session::Transcript::new("s")));
        case.take(Some(&performance), &|_| SessionVerdict {
            findings: vec![other.clone()],
            ..SessionVerdict::new("s")
        });
        assert!(!case.is_open() && case.unsettled().is_none());
    }

    #[test]
    fn what_is_not_settled_is_an_error_and_no_break() {
        let mut verdict = SessionVerdict {
            findings: vec![finding("get-blocked")],
            lacks: vec!["c".into()],
            ..SessionVerdict::new("s")
        };
        let at = key(&verdict.findings[0]);
        let mut confirmed = Confirmed::default();
        confirmed.counts.insert(at.clone(), Repeat { seen: 1, of: 12 });
        confirmed.unsettled.insert(at);
        confirmed.error("s", "too seldom".into());
        confirmed.apply(&mut verdict);
        assert_eq!(verdict.findings[0].repeat, Some(Repeat { seen: 1, of: 12 }));
        assert_eq!(verdict.status(Policy::Frozen), scrubjay_verdict::Status::Error);
        assert!(!verdict.findings[0].breaks(Policy::Frozen) && verdict.lacks.is_empty());
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

    #[test]
    fn of_a_fix_that_is_required_every_session_that_lacks_it_is_doubted() {
        let fix = MissingFix {
            change: "c".into(),
            commit: None,
            subject: "s".into(),
            cve: None,
            since: "7.2.4".parse().unwrap(),
            shown_by: vec!["a".into()],
        };
        let missing_fixes = MissingFixes { in_series: vec![fix], ..MissingFixes::default() };
        let profile = ChangeProfile { missing_fixes, ..ChangeProfile::default() };
        let sessions = vec![SessionVerdict { lacks: vec!["c".into()], ..SessionVerdict::new("a") }];
        let doubted = |rule| doubtful(&kernel(rule, profile.clone(), sessions.clone()), Policy::Frozen);
        assert_eq!(Vec::from_iter(doubted("fix-missing")), ["a"]);
        assert!(doubted("change-inconsistent").is_empty(), "where it is not required it is no finding");
    }
}
