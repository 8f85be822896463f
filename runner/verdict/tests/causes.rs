//! From findings to causes: what belongs together, what stands by itself, and that nothing is lost.

use std::collections::BTreeSet;

use rstest::rstest;
use scrubjay_session::Field;
use scrubjay_verdict::finding::{Place, WHOLE_KERNEL, Waived};
use scrubjay_verdict::{
    Cause, ChangeProfile, Finding, KernelVerdict, Policy, Promises, SessionVerdict, Severities, Severity,
    Standing, causes,
};

/// `SESSION STEP CALL RULE FIELD ACCEPTED SEEN`, `-` for an empty value.
fn finding(line: &str) -> Finding {
    let words: Vec<&str> = line.split(' ').map(|word| if word == "-" { "" } else { word }).collect();
    let [session, step, call, rule, field, accepted, seen] = words.as_slice() else { panic!("{line}") };
    let field: Field = serde_json::from_value((*field).into()).unwrap();
    let place = Place { session, step, field: Some(field), promise: "G01" };
    let accepted = accepted.replace('_', " ");
    let mut finding = Finding::new(rule, place, accepted, seen.replace('_', " "), &Promises::default());
    finding.call = (*call).to_owned();
    finding
}

fn kernel(findings: Vec<Finding>) -> KernelVerdict {
    let mut sessions: Vec<SessionVerdict> = Vec::new();
    for finding in findings {
        match sessions.last_mut().filter(|session| session.session == finding.session) {
            Some(session) => session.findings.push(finding),
            None => {
                let mut session = SessionVerdict::new(&finding.session);
                session.findings.push(finding);
                sessions.push(session);
            }
        }
    }
    KernelVerdict {
        kernel: "k".into(),
        release: "7.3.4".into(),
        findings: Vec::new(),
        sessions,
        changes: ChangeProfile::default(),
    }
}

fn of(lines: &[&str]) -> Vec<Cause> {
    of_findings(lines.iter().map(|line| finding(line)).collect())
}

fn of_findings(findings: Vec<Finding>) -> Vec<Cause> {
    causes(&kernel(findings))
}

fn rules(causes: &[Cause]) -> Vec<&str> {
    causes.iter().map(|cause| cause.rule.as_str()).collect()
}

#[rstest]
#[case::an_answer_behind_a_lost_set(
    &["a set set-feature set-blocked errno ok EINVAL", "a get get-feature get-changed out 01 02",
      "b set set-feature set-blocked errno ok EINVAL"],
    &["set-blocked"])]
#[case::an_answer_that_also_changes_where_nothing_was_set(
    &["a set set-feature set-blocked errno ok EINVAL", "a get get-feature get-changed out 01 02",
      "b get get-feature get-changed out 01 02", "c get get-feature get-changed out 01 02"],
    &["set-blocked", "get-changed"])]
#[case::steps_that_were_not_reached(
    &["a get get-feature kernel-oops log - oops:_fault", "a again get-feature step-lost end came-back not-reached"],
    &["kernel-oops"])]
#[case::the_same_refusal_as_a_sweep(
    &["a set set-feature set-blocked errno ok EINVAL", "b sweep set-feature sweep-blocked runs [] []"],
    &["set-blocked"])]
#[case::a_sweep_of_another_call(
    &["a set set-feature set-blocked errno ok EINVAL", "b sweep info sweep-blocked runs [] []"],
    &["set-blocked", "sweep-blocked"])]
#[case::reads_that_come_of_what_was_sent(
    &["a write write mailbox-input-changed mailbox x y", "a read read attribute-changed text 1 2"],
    &["mailbox-input-changed"])]
#[case::a_decision_leads_what_is_sent(
    &["a set set-feature mailbox-command-removed mailbox x -", "b write write attribute-blocked errno ok ENXIO"],
    &["attribute-blocked", "mailbox-command-removed"])]
#[case::damage_leads(
    &["a set set-feature set-blocked errno ok EINVAL", "b get get-feature kernel-warning log - warning:_f"],
    &["kernel-warning", "set-blocked"])]
fn what_follows_joins_what_it_follows_from(#[case] findings: &[&str], #[case] expected: &[&str]) {
    assert_eq!(rules(&of(findings)), expected);
}

/// A sweep and a race of calls that nobody promised less firmly than the single call.
#[rstest]
#[case::a_sweep("b sweep set-feature sweep-blocked runs [] []")]
#[case::a_race("b race set-feature race-changed branches - -")]
fn what_repeats_a_call_does_not_lead_it_however_heavy_it_is(#[case] repeats: &str) {
    let weighing = |line: &str, weight: Severity| {
        let mut finding = finding(line);
        finding.severity = Severities::all(weight);
        finding
    };
    let call = weighing("a set set-feature set-blocked errno ok EINVAL", Severity::Warn);
    let read = weighing("c read read attribute-blocked errno ok ENXIO", Severity::Break);
    let causes = of_findings(vec![call, weighing(repeats, Severity::Break), read]);
    assert_eq!(rules(&causes), ["attribute-blocked", "set-blocked"]);
    assert_eq!(causes[1].severity.frozen, Severity::Break, "as heavy as what follows");
    // What stands by itself still leads.
    let other = weighing("a set set-feature set-blocked errno ok EINVAL", Severity::Warn);
    let repeats = repeats.replace("set-feature", "info");
    let apart = of_findings(vec![other, weighing(&repeats, Severity::Break)]);
    assert_eq!(apart.len(), 2);
    assert_ne!(apart[0].rule, "set-blocked");
}

#[test]
fn a_taint_that_the_boot_lost_is_one_cause_with_all_that_others_gain_by_it() {
    let lost = "s rpc rpc taint-lost taint fwctl -";
    let gained: Vec<String> =
        (0..9).map(|i| format!("t{i} set set-feature taint-gained taint - fwctl")).collect();
    let mark = |mut finding: Finding| {
        finding.untainted = finding.rule == "taint-gained";
        finding
    };
    let all =
        || std::iter::once(lost).chain(gained.iter().map(String::as_str)).map(|line| mark(finding(line)));
    let with = causes(&kernel(all().collect()));
    assert_eq!(rules(&with), ["taint-lost"]);
    assert_eq!((with[0].findings.len(), with[0].follows[0].findings.len()), (1, 9));
    // Where no session pins the loss, it is told all the same, and by what happened.
    let without = causes(&kernel(all().skip(1).collect()));
    assert_eq!(rules(&without), ["taint-lost"]);
    assert!(
        without[0].what.contains("the RPC that taints a guest before its sessions"),
        "{}",
        without[0].what
    );
    // A taint that is gained in a guest that has what it has to have is another thing.
    assert_eq!(rules(&of(&[&gained[0]])), ["taint-gained"]);
}

#[test]
fn what_is_waived_or_unsettled_is_apart_and_fails_no_gate() {
    let line = |session: &str| finding(&format!("{session} set set-feature set-blocked errno ok EINVAL"));
    let (mut waived, mut unsettled) = (line("b"), line("c"));
    let expires = "2030-01-01".parse().unwrap();
    waived.waived = Some(Waived { reason: "r".into(), reference: "t".into(), expires });
    unsettled.unsettled = true;
    let causes = causes(&kernel(vec![line("a"), waived, unsettled]));
    let standings: Vec<_> =
        causes.iter().map(|cause| (cause.standing, cause.breaks(Policy::Frozen))).collect();
    assert_eq!(standings, [(Standing::Counts, true), (Standing::Error, false), (Standing::Waived, false)]);
    let prints: BTreeSet<_> = causes.iter().map(|cause| &cause.fingerprint).collect();
    assert_eq!(prints.len(), 3, "what counts otherwise has a fingerprint of its own");
}

/// Two rounds of the same, of which the second shows one way more often than the other.
#[test]
fn a_fingerprint_does_not_depend_on_how_often_a_way_is_taken() {
    let (denied, invalid) = ("set-blocked errno ok EPERM", "set-blocked errno ok EINVAL");
    let line = |session: &str, way: &str| format!("{session} set set-feature {way}");
    let print = |lines: &[String]| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        of(&lines)[0].fingerprint.clone()
    };
    let first = print(&[line("a", denied), line("b", denied), line("c", invalid)]);
    let second = print(&[line("a", denied), line("b", invalid), line("c", invalid)]);
    assert_eq!(first, second);
    assert_ne!(first, print(&[line("a", denied)]));
}

/// What is known of old is a note, and no cause of a break that comes behind it.
#[test]
fn what_says_less_leads_nothing() {
    let causes = of(&["a one info known-damage log - oops:_f", "a two get-feature get-changed out 00 01"]);
    assert_eq!(rules(&causes), ["get-changed", "known-damage"]);
}

#[test]
fn every_finding_is_in_exactly_one_cause() {
    let rules = ["set-blocked", "get-changed", "sweep-blocked", "taint-lost", "step-lost", "unclassified"];
    let mut lines = Vec::new();
    for session in 0..20 {
        for step in 0..4 {
            let rule = rules[(session * 7 + step * 5) % rules.len()];
            lines.push(finding(&format!("s{session} step{step} rpc {rule} errno ok E{step}")));
        }
    }
    let mut verdict = kernel(lines);
    for change in ["one", "two"] {
        let place = Place { session: WHOLE_KERNEL, step: "", field: None, promise: "" };
        let seen = "missing".to_owned();
        verdict.findings.push(Finding::new("regressed", place, change.into(), seen, &Promises::default()));
    }
    let causes = causes(&verdict);
    let mut told: Vec<_> = causes.iter().flat_map(Cause::all_findings).collect();
    let mut all: Vec<_> = verdict.all_findings().map(|finding| &finding.fingerprint).collect();
    told.sort();
    all.sort();
    assert_eq!(told, all);
    assert_eq!(
        causes.iter().filter(|cause| cause.rule == "regressed").count(),
        2,
        "a change is a cause by itself"
    );
    // As heavy as the heaviest of its findings, whichever leads.
    let heaviest = |cause: &Cause| {
        let is_its = |finding: &&Finding| cause.all_findings().any(|print| *print == finding.fingerprint);
        verdict.all_findings().filter(is_its).map(|finding| finding.severity.frozen).max()
    };
    assert!(causes.iter().all(|cause| heaviest(cause) == Some(cause.severity.frozen)));
    assert!(causes.iter().any(|cause| cause.severity.frozen == Severity::Break));
}

#[rstest]
#[case::errno("a s set-feature set-blocked errno ok EINVAL", "set-feature gives EINVAL instead of success")]
#[case::taint("a s get-feature get-taints taint - fwctl", "get-feature taints the kernel (fwctl)")]
#[case::gone("a s set-feature taint-lost taint fwctl -", "set-feature no longer taints the kernel (fwctl)")]
#[case::warning("a s info kernel-warning log - warning:_f", "info: the kernel says warning: f")]
#[case::returned("a s read return-changed ret 24 16", "read returns 8 less")]
#[case::byte("a s get-feature get-changed out 0011 0012", "get-feature: the answer differs from byte 1")]
#[case::commands(
    "a s get-feature mailbox-command-added mailbox identify_[]_->_success_[] identify_[]_->_success_[];_identify_[]_->_success_[]",
    "get-feature: the firmware receives identify more often"
)]
fn a_cause_says_what_changed_in_a_sentence(#[case] line: &str, #[case] expected: &str) {
    let what = &of(&[line])[0].what;
    assert!(what.ends_with(expected), "{what}");
}
