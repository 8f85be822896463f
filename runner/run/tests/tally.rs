//! Which run ends with which exit status.

use rstest::rstest;
use scrubjay_host::Signal;
use scrubjay_run::{Consumer, ExitStatus, Guests, RunEvent, Tally};
use scrubjay_samples::{absence, errored, finding, kernel, passed, skipped, unsettled, waived, with};
use scrubjay_verdict::{Finding, Policy, SessionVerdict};

fn run(policy: Policy, sessions: Vec<SessionVerdict>, whole: Vec<Finding>, tail: &[RunEvent]) -> ExitStatus {
    let mut tally = Tally::default();
    let started = RunEvent::RunStarted {
        policy,
        own_policy: None,
        kernels: vec!["7.3".into()],
        sessions: sessions.iter().map(|session| session.session.clone()).collect(),
        shard: None,
        against: None,
        baseline: None,
        require_fixes: false,
    };
    let judged = RunEvent::KernelJudged {
        verdict: kernel("7.3", whole, sessions),
        nearest: None,
        not_checked: Vec::new(),
        console_tail: None,
        guests: Box::new(Guests::default()),
    };
    for event in [&started, &judged].into_iter().chain(tail) {
        tally.event(event).unwrap();
    }
    tally.exit_status()
}

#[rstest]
#[case::all_passed(vec![passed("a"), passed("b")], 0)]
#[case::a_skip_is_no_error(vec![passed("a"), skipped("b")], 0)]
#[case::nothing_but_skips(vec![skipped("a"), skipped("b")], 3)]
#[case::nothing_at_all(vec![], 3)]
#[case::a_break_seen_too_seldom(vec![passed("a"), with("b", vec![unsettled()])], 3)]
#[case::a_break_beside_one_seen_too_seldom(
    vec![with("b", vec![unsettled(), finding("get-blocked", "D01")])], 1)]
#[case::a_break(vec![passed("a"), with("b", vec![finding("set-blocked", "H06")])], 1)]
#[case::an_error(vec![passed("a"), errored("b")], 3)]
#[case::a_break_wins_over_an_error(vec![errored("a"), with("b", vec![finding("set-blocked", "H06")])], 1)]
#[case::a_break_and_an_error_in_one(
    vec![SessionVerdict { error: Some("guest died".into()), ..with("b", vec![finding("set-blocked", "H06")]) }], 1)]
#[case::a_gap_of_the_suite(vec![with("a", vec![finding("unclassified", "H06")])], 3)]
#[case::a_break_beside_a_gap(
    vec![with("a", vec![finding("unclassified", "H06"), finding("set-blocked", "H06")])], 1)]
#[case::a_break_that_is_waived(vec![waived("a")], 0)]
#[case::a_break_beside_one_that_is_waived(
    vec![SessionVerdict { findings: vec![finding("set-blocked", "H06"), waived("a").findings[0].clone()], ..waived("a") }], 1)]
#[case::only_a_warning(vec![with("a", vec![finding("return-changed", "B14")])], 0)]
fn sessions_decide_the_exit_status(#[case] sessions: Vec<SessionVerdict>, #[case] expected: u8) {
    assert_eq!(run(Policy::Frozen, sessions, Vec::new(), &[]).number(), expected);
}

#[rstest]
#[case(Policy::Exempt, 0)]
#[case(Policy::Footgun, 1)]
#[case(Policy::Frozen, 1)]
fn the_chosen_policy_decides(#[case] policy: Policy, #[case] expected: u8) {
    // A blocked write weighs `warn` under exempt.
    let sessions = vec![with("a", vec![finding("set-blocked", "H06")])];
    assert_eq!(run(policy, sessions, Vec::new(), &[]).number(), expected);
}

#[rstest]
#[case::unexpected(None, 1)]
#[case::expected(Some("before fwctl"), 0)]
fn a_kernel_without_fwctl_breaks_where_it_is_not_expected(
    #[case] expected_absent: Option<&str>,
    #[case] status: u8,
) {
    let whole = vec![absence(expected_absent)];
    assert_eq!(run(Policy::Frozen, vec![skipped("a")], whole, &[]).number(), status);
}

#[rstest]
#[case(ExitStatus::Interrupted(Signal::SIGINT), 130)]
#[case(ExitStatus::Untested, 1)]
#[case(ExitStatus::Usage, 1)]
fn of_a_run_that_was_cut_a_break_remains_and_an_interruption_wins(
    #[case] cut: ExitStatus,
    #[case] expected: u8,
) {
    let sessions = vec![with("a", vec![finding("set-blocked", "H06")])];
    let end = [RunEvent::RunFinished { cut: Some(cut) }];
    assert_eq!(run(Policy::Frozen, sessions, Vec::new(), &end).number(), expected);
}

#[rstest]
#[case::a_kernel_that_failed(RunEvent::KernelFailed { kernel: "7.2".into(), why: "no image".into() }, 3)]
#[case::an_interruption(RunEvent::RunFinished { cut: Some(ExitStatus::Interrupted(Signal::SIGINT)) }, 130)]
#[case::an_error(RunEvent::RunFinished { cut: Some(ExitStatus::Untested) }, 3)]
#[case::a_bad_file(RunEvent::RunFinished { cut: Some(ExitStatus::Usage) }, 2)]
#[case::an_end(RunEvent::RunFinished { cut: None }, 0)]
fn what_comes_after_a_good_kernel_counts_too(#[case] event: RunEvent, #[case] expected: u8) {
    assert_eq!(run(Policy::Frozen, vec![passed("a")], Vec::new(), &[event]).number(), expected);
}

#[test]
fn a_module_that_was_refused_leaves_a_kernel_that_nobody_asked_about() {
    let mut tally = Tally::default();
    let judged = RunEvent::KernelJudged {
        verdict: kernel("7.3", Vec::new(), vec![passed("a")]),
        nearest: None,
        not_checked: vec!["module refused: 02-edac_core.ko: ENOEXEC".to_owned()],
        console_tail: None,
        guests: Box::new(Guests::default()),
    };
    tally.event(&judged).unwrap();
    assert_eq!(tally.exit_status(), ExitStatus::Untested);
}
