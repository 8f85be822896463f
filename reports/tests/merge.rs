//! Shards of one run, put together: equal to the run in one piece, or refused.

use std::path::{Path, PathBuf};

use rstest::rstest;
use scrubjay_host::{Output, Signal};
use scrubjay_reports::merge::{Part, merge};
use scrubjay_reports::{Document, Run, Sink};
use scrubjay_run::{Guests, RunEvent, Shard};
use scrubjay_samples::{
    absence, damage, errored, finding, intermittent, passed, play, skipped, waived, with,
};
use scrubjay_verdict::finding::{Repeat, WHOLE_KERNEL};
use scrubjay_verdict::history::ranges::nearest;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{
    Expectation, Finding, Library, Policy, SessionVerdict, Waiver, WaiverState, WaiverUse, judge,
};

fn library() -> Library {
    Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// What a kernel gave.
struct Kernel {
    sessions: Vec<SessionVerdict>,
    absent: Option<Finding>,
}

fn shows(session: &str, carries: &[&str], lacks: &[&str]) -> SessionVerdict {
    let owned = |list: &[&str]| list.iter().map(|id| (*id).to_owned()).collect();
    SessionVerdict { carries: owned(carries), lacks: owned(lacks), ..passed(session) }
}

/// A kernel with every outcome, with a change that it carries and one that it has lost.
fn every_outcome() -> Kernel {
    let sessions = vec![
        shows("a", &["op-size-bounded"], &[]),
        errored("b"),
        with("c", vec![finding("set-blocked", "H06")]),
        waived("d"),
        skipped("e"),
        with("f", vec![damage(3)]),
        with("g", vec![intermittent()]),
        shows("h", &[], &["get-count-bounded"]),
        shows("i", &["op-size-bounded"], &["get-count-bounded"]),
    ];
    Kernel { sessions, absent: None }
}

fn clean() -> Kernel {
    Kernel { sessions: "abcdefghi".chars().map(|id| passed(&id.to_string())).collect(), absent: None }
}

fn without_fwctl() -> Kernel {
    let sessions = "abcdefghi".chars().map(|id| skipped(&id.to_string())).collect();
    Kernel { sessions, absent: Some(absence(Some("fwctl came with 6.16"))) }
}

/// The events of a run, or of a shard of it, judged as a check does.
fn events(kernels: &[(&str, Kernel)], shard: Option<&str>, library: &Library) -> Vec<RunEvent> {
    let shard: Option<Shard> = shard.map(|shard| shard.parse().unwrap());
    let mut events = vec![
        RunEvent::RunStarted {
            policy: Policy::Frozen,
            own_policy: None,
            kernels: kernels.iter().map(|(id, _)| (*id).to_owned()).collect(),
            sessions: kernels[0].1.sessions.iter().map(|session| session.session.clone()).collect(),
            shard,
            against: None,
            baseline: None,
            require_fixes: false,
        },
        RunEvent::Note { text: "accelerator: TCG".into() },
    ];
    for (kernel, Kernel { sessions, absent }) in kernels {
        let mine = |place: usize| shard.is_none_or(|shard| shard.takes(place));
        let mine = sessions.iter().enumerate().filter(|(place, _)| mine(*place));
        let mine: Vec<_> = mine.map(|(_, session)| session.clone()).collect();
        events.push(RunEvent::KernelStarted { kernel: (*kernel).to_owned(), sessions: mine.len() });
        events.extend(mine.iter().map(|session| RunEvent::SessionJudged {
            kernel: (*kernel).to_owned(),
            title: format!("what {} pins", session.session),
            area: "get-feature".to_owned(),
            verdict: session.clone(),
            millis: 7,
        }));
        let expectation = Expectation { release: "7.3".parse().ok(), ..Expectation::default() };
        let books = library.books();
        let mut verdict = judge::conclude(kernel, "7.3.0", None, mine, &expectation, &books);
        verdict.findings.splice(0..0, absent.clone());
        events.push(RunEvent::KernelJudged {
            nearest: nearest(&verdict.changes, &library.changes).map(|nearest| nearest.to_string()),
            verdict,
            not_checked: vec!["ia32: this kernel has none".into()],
            console_tail: None,
            guests: Box::new(Guests { booted: 3, ..Guests::default() }),
        });
    }
    events.push(RunEvent::RunFinished { cut: None });
    events
}

fn kept(events: &[RunEvent]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.json");
    play(events, &mut Document::json(Sink::File(Output::at(&path).unwrap())));
    Run::read(&path).unwrap()
}

fn part(name: &str, run: Run) -> Part {
    Part { path: PathBuf::from(name), run }
}

/// The shards of a run, the last first.
fn shards(kernels: &[(&str, Kernel)], of: usize, library: &Library) -> Vec<Part> {
    let one = |number: usize| {
        let shard = format!("{number}/{of}");
        part(&format!("{number}.json"), kept(&events(kernels, Some(&shard), library)))
    };
    (1..=of).rev().map(one).collect()
}

#[rstest]
fn shards_are_the_run_that_they_are_together(#[values(1, 2, 3, 4, 9)] of: usize) {
    let library = library();
    let kernels = [("7.3", every_outcome()), ("6.12", without_fwctl()), ("7.2", clean())];
    let whole = kept(&events(&kernels, None, &library));
    let merged = merge(shards(&kernels, of, &library), &library).unwrap();
    assert_eq!(merged.comparable(), whole.comparable());
    assert_eq!(merged.times.session_millis, whole.times.session_millis);
    assert_eq!(merged.evidence, whole.evidence);
    assert_eq!((whole.exit_status, whole.kernels[0].breaks.frozen), (1, 4));
}

#[test]
fn a_clean_run_stays_clean() {
    let library = library();
    let merged = merge(shards(&[("7.3", clean())], 4, &library), &library).unwrap();
    assert_eq!((merged.exit_status, merged.asked.shard), (0, None));
}

/// Half of the sessions carry a change and the other half lack it; each shard saw one half.
#[test]
fn a_break_that_shows_only_in_all_shards_together_is_not_settled() {
    let library = library();
    let lacks = |id| shows(id, &[], &["get-count-bounded"]);
    let carries = |id| shows(id, &["get-count-bounded"], &[]);
    let kernel = Kernel { sessions: vec![lacks("a"), carries("b"), lacks("c"), carries("d")], absent: None };
    let merged = merge(shards(&[("7.3", kernel)], 2, &library), &library).unwrap();
    let findings = &merged.kernels[0].verdict.as_ref().unwrap().findings;
    let of = |rule: &str| findings.iter().filter(|finding| finding.rule == rule).collect::<Vec<_>>();
    assert!(of(id::CHANGE_INCONSISTENT).iter().all(|finding| finding.unsettled));
    assert_eq!((of(id::CHANGE_INCONSISTENT).len(), of(id::REGRESSED).len()), (1, 0));
    assert_eq!(merged.exit_status, 3);
}

/// The waiver names what all sessions say together, which no shard has seen.
#[test]
fn what_shows_only_in_all_shards_together_is_waived_as_in_the_run_in_one_piece() {
    let library = library();
    let shows = |id: &str, with: bool| match with {
        true => shows(id, &["get-count-bounded"], &[]),
        false => shows(id, &[], &["get-count-bounded"]),
    };
    let sessions = || ["a", "b", "c", "d"].map(|id| shows(id, matches!(id, "b" | "d"))).to_vec();
    let kernels = || [("7.3", Kernel { sessions: sessions(), absent: None })];
    let whole = kept(&events(&kernels(), None, &library));
    let finding = &whole.kernels[0].verdict.as_ref().unwrap().findings[0];
    assert_eq!(finding.rule, id::CHANGE_INCONSISTENT);
    let waiver = Waiver {
        fingerprint: finding.fingerprint.clone(),
        session: WHOLE_KERNEL.to_owned(),
        kernels: vec!["7.2..=7.3".to_owned()],
        reason: "backported by halves".to_owned(),
        reference: "ticket 7".to_owned(),
        expires: "2030-01-01".parse().unwrap(),
    };
    for (state, exit_status) in [(WaiverState::Untried, 0), (WaiverState::Expired, 3)] {
        let mut parts = shards(&kernels(), 2, &library);
        let used = WaiverUse { waiver: waiver.clone(), state, seen_on: Vec::new() };
        parts.iter_mut().for_each(|part| part.run.waivers = vec![used.clone()]);
        let merged = merge(parts, &library).unwrap();
        let expected = if state == WaiverState::Expired { state } else { WaiverState::Applied };
        let seen_on = vec!["7.3".to_owned()];
        assert_eq!(merged.waivers, [WaiverUse { waiver: waiver.clone(), state: expected, seen_on }]);
        assert_eq!(merged.exit_status, exit_status);
    }
}

fn confirmed(finding: &mut Finding) {
    finding.repeat = Some(Repeat { seen: 2, of: 2 });
}

fn let_through(finding: &mut Finding) {
    finding.waived.clone_from(&waived("a").findings[0].waived);
}

/// Each of two shards has told the same lost change of the kernel.
#[rstest]
#[case::confirmed_in_one(confirmed, false, 1)]
#[case::waived_in_one_where_nobody_looked_again(let_through, true, 3)]
fn what_shards_say_of_a_lost_change_is_settled_where_one_confirmed_it(
    #[case] one: fn(&mut Finding),
    #[case] unsettled: bool,
    #[case] exit_status: u8,
) {
    let library = library();
    let lacks = |id| shows(id, &[], &["get-count-bounded"]);
    let kernel = Kernel { sessions: vec![lacks("a"), lacks("b")], absent: None };
    let mut parts = shards(&[("7.3", kernel)], 2, &library);
    let other: fn(&mut Finding) = |finding| finding.unsettled = true;
    for (part, change) in parts.iter_mut().zip([one, other]) {
        let finding = &mut part.run.kernels[0].verdict.as_mut().unwrap().findings[0];
        assert_eq!(finding.rule, id::REGRESSED);
        change(finding);
    }
    let merged = merge(parts, &library).unwrap();
    let finding = &merged.kernels[0].verdict.as_ref().unwrap().findings[0];
    assert_eq!((finding.unsettled, merged.exit_status), (unsettled, exit_status));
}

#[test]
fn a_kernel_that_came_up_for_some_shards_only_is_no_pass() {
    let library = library();
    let mut parts = shards(&[("7.3", clean())], 3, &library);
    let failed = [
        events(&[("7.3", clean())], Some("2/3"), &library).swap_remove(0),
        RunEvent::KernelFailed { kernel: "7.3".into(), why: "no QEMU".into() },
        RunEvent::RunFinished { cut: None },
    ];
    parts[1] = part("2.json", kept(&failed));
    let merged = merge(parts, &library).unwrap();
    let counts = merged.kernels[0].counts;
    assert_eq!((merged.exit_status, counts.pass, counts.error), (3, 6, 3));
}

type Spoil = fn(&mut Vec<Part>);

#[rstest]
#[case::missing(|parts: &mut Vec<Part>| drop(parts.remove(1)), "of 4 shards these are missing: 3/4")]
#[case::twice(|parts: &mut Vec<Part>| parts[1].run = parts[0].run.clone(), "3.json: shard 4/4, and so is 4.json")]
#[case::none(Vec::clear, "missing")]
#[case::a_whole_run(|parts: &mut Vec<Part>| parts[0].run.asked.shard = None, "4.json: a whole run, and no shard of one")]
#[case::cut_short(
    |parts: &mut Vec<Part>| (parts[2].run.complete, parts[2].run.exit_status) = (false, 128 + Signal::SIGINT as u8),
    "2.json: shard 2/4 was cut short (exit status 130); run it again")]
#[case::another_policy(|parts: &mut Vec<Part>| parts[1].run.policy = Policy::Exempt, "3.json: of another run than 4.json: its policy")]
#[case::another_baseline(|parts: &mut Vec<Part>| parts[1].run.baseline = Some("7.2".into()), "its baseline")]
#[case::other_sessions(|parts: &mut Vec<Part>| drop(parts[1].run.asked.sessions.pop()), "its sessions")]
#[case::another_count(|parts: &mut Vec<Part>| parts[1].run.asked.shard = Some("3/5".into()), "the number of its shards")]
#[case::a_session_is_missing(|parts: &mut Vec<Part>| drop(sessions(&mut parts[0]).pop()), "4.json: kernel 7.3: session h is missing")]
#[case::a_session_is_twice_there(
    |parts: &mut Vec<Part>| { let first = sessions(&mut parts[0])[0].clone(); sessions(&mut parts[0]).push(first) },
    "4.json: kernel 7.3: session d is twice there")]
#[case::a_session_of_another_shard(
    |parts: &mut Vec<Part>| { let other = sessions(&mut parts[1])[0].clone(); sessions(&mut parts[0]).push(other) },
    "4.json: kernel 7.3: session c is not of this shard")]
#[case::a_kernel_is_missing(|parts: &mut Vec<Part>| parts[0].run.kernels.clear(), "4.json: kernel 7.3 is not where it belongs")]
#[case::another_kernel(
    |parts: &mut Vec<Part>| parts[0].run.kernels[0].verdict.as_mut().unwrap().release = "7.3.1".into(),
    "calls itself 7.3.1 here and 7.3.0 in 1.json")]
fn what_is_no_whole_run_is_refused(#[case] spoil: Spoil, #[case] said: &str) {
    let library = library();
    let mut parts = shards(&[("7.3", clean())], 4, &library);
    spoil(&mut parts);
    let why = merge(parts, &library).unwrap_err().to_string();
    assert!(why.contains(said), "{why}");
}

fn sessions(part: &mut Part) -> &mut Vec<SessionVerdict> {
    &mut part.run.kernels[0].verdict.as_mut().unwrap().sessions
}
