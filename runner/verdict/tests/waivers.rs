//! Waivers: what lets a finding through, for how long, and what of it is told.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod world;

use std::fs;

use jiff::civil::{Date, date};
use rstest::rstest;
use scrubjay_verdict::{KernelVerdict, Policy, Status, WaiverError, WaiverState, Waivers};
use serde_json::json;

use crate::world::{World, errno, get, ok};

const TODAY: Date = date(2026, 6, 30);

fn world() -> World {
    World::new(get(), json!({"errno": "ok"}), None)
}

/// A waiver for the finding of an EINVAL; each field is a line.
fn entry(edit: &[(&str, &str)]) -> String {
    let print = world().judge(errno("EINVAL"), "7.2").sessions[0].findings[0].fingerprint.clone();
    let fields = [
        ("fingerprint", format!("\"{print}\"")),
        ("session", "\"s\"".to_owned()),
        ("kernels", "[\"7.2..=7.3\"]".to_owned()),
        ("reason", "\"the vendor ships it\"".to_owned()),
        ("reference", "\"ticket 7\"".to_owned()),
        ("expires", "2026-12-31".to_owned()),
    ];
    let mut text = "[[waiver]]\n".to_owned();
    for (name, value) in fields {
        match edit.iter().find(|(edited, _)| *edited == name) {
            Some((_, "")) => {}
            Some((_, value)) => text.push_str(&format!("{name} = {value}\n")),
            None => text.push_str(&format!("{name} = {value}\n")),
        }
    }
    text
}

fn file(entries: &[String]) -> String {
    format!("format = \"scrubjay.waivers/1\"\n\n{}", entries.join("\n"))
}

fn load(world: &World, text: &str, today: Date) -> Result<Waivers, WaiverError> {
    let path = world.path().join("waivers.toml");
    fs::write(&path, text).unwrap();
    Waivers::load(&path, today, &world.library().sessions, &|id| ["7.2", "7.3", "vendor"].contains(&id))
}

/// The verdict of a kernel on which `step` gave EINVAL, with the waivers applied.
fn waived(waivers: &Waivers, kernel: &str, release: &str) -> KernelVerdict {
    let mut verdict = world().judge(errno("EINVAL"), release);
    verdict.kernel = kernel.to_owned();
    waivers.apply(kernel, release, verdict.sessions.iter_mut().flat_map(|s| &mut s.findings));
    verdict
}

#[test]
fn a_waived_finding_is_no_break_and_stays_in_sight_with_its_weight() {
    let waivers = load(&world(), &file(&[entry(&[])]), TODAY).unwrap();
    let verdict = waived(&waivers, "7.2", "7.2.12");
    let finding = &verdict.sessions[0].findings[0];
    let mark = finding.waived.as_ref().expect("waived");
    assert_eq!((mark.reason.as_str(), mark.expires), ("the vendor ships it", date(2026, 12, 31)));
    for policy in Policy::ALL {
        assert_eq!(verdict.breaks(policy), 0);
        assert_eq!(verdict.sessions[0].status(policy), Status::Waived);
        assert!(finding.waived_break(policy));
    }
    let uses = waivers.uses(&[verdict]);
    assert_eq!((uses[0].state, uses[0].seen_on.as_slice()), (WaiverState::Applied, &["7.2".to_owned()][..]));
}

#[rstest]
#[case::another_value("EIO")]
#[case::a_success("ok")]
fn a_waiver_lets_through_what_was_seen_and_nothing_else(#[case] seen: &str) {
    let world = World::new(get(), json!({"errno": "EPERM"}), None);
    let waivers = load(&world, &file(&[entry(&[])]), TODAY).unwrap();
    let mut verdict = world.judge(errno(seen), "7.2");
    waivers.apply("7.2", "7.2.12", verdict.sessions.iter_mut().flat_map(|s| &mut s.findings));
    assert!(verdict.sessions[0].findings[0].waived.is_none());
    assert_eq!(waivers.uses(&[verdict])[0].state, WaiverState::Unmatched);
}

#[rstest]
#[case::in_the_range("7.2..=7.3", "k", "7.2.12", true)]
#[case::the_ranges_end("7.2..=7.3", "k", "7.3.0", true)]
#[case::before("7.2..=7.3", "k", "7.1.13", false)]
#[case::after("7.2..=7.3", "k", "7.10.1", false)]
#[case::a_candidate("7.2..", "k", "7.4.0-rc1", true)]
#[case::a_vendors("7.2..", "k", "7.2-vendor", true)]
#[case::up_to("..=7.2", "k", "6.16.3", true)]
#[case::up_to_and_no_further("..=7.2", "k", "7.3.4", false)]
#[case::an_id("vendor", "vendor", "5.4.0", true)]
#[case::another_id("vendor", "k", "7.2.12", false)]
#[case::an_id_is_no_range("7.2", "k", "7.2.12", false)]
fn a_waiver_holds_for_its_kernels(
    #[case] scope: &str,
    #[case] kernel: &str,
    #[case] release: &str,
    #[case] holds: bool,
) {
    let text = file(&[entry(&[("kernels", &format!("[\"{scope}\"]"))])]);
    let waivers = load(&world(), &text, TODAY).unwrap();
    let verdict = waived(&waivers, kernel, release);
    assert_eq!(verdict.sessions[0].findings[0].waived.is_some(), holds);
}

#[rstest]
#[case::before(date(2026, 12, 30), WaiverState::Applied)]
#[case::the_last_day(date(2026, 12, 31), WaiverState::Applied)]
#[case::after(date(2027, 1, 1), WaiverState::Expired)]
fn a_waiver_holds_through_its_last_day(#[case] today: Date, #[case] state: WaiverState) {
    let waivers = load(&world(), &file(&[entry(&[])]), today).unwrap();
    let verdict = waived(&waivers, "7.2", "7.2.12");
    assert_eq!(verdict.sessions[0].status(Policy::Frozen) == Status::Break, state == WaiverState::Expired);
    let uses = waivers.uses(&[verdict]);
    assert_eq!((uses[0].state, uses[0].seen_on.len()), (state, 1));
}

#[test]
fn an_expired_waiver_is_told_even_where_nothing_was_run() {
    let waivers = load(&world(), &file(&[entry(&[])]), date(2030, 1, 1)).unwrap();
    assert_eq!(waivers.uses(&[])[0].state, WaiverState::Expired);
}

#[test]
fn a_waiver_that_could_have_matched_and_did_not_is_told_and_no_other() {
    let waivers = load(&world(), &file(&[entry(&[])]), TODAY).unwrap();
    let state = |verdicts: &[KernelVerdict]| waivers.uses(verdicts)[0].state;
    let clean = |kernel: &str, release: &str| {
        let mut verdict = world().judge(ok(), release);
        verdict.kernel = kernel.to_owned();
        verdict
    };
    assert_eq!(state(&[clean("7.2", "7.2.12")]), WaiverState::Unmatched);
    assert_eq!(state(&[clean("7.1", "7.1.13")]), WaiverState::Untried);
    assert_eq!(state(&[]), WaiverState::Untried);
    assert_eq!(state(&[clean("7.2", "7.2.12"), waived(&waivers, "7.3", "7.3.4")]), WaiverState::Applied);
    let mut skipped = clean("7.2", "7.2.12");
    skipped.sessions[0].skipped = Some("w".into());
    assert_eq!(state(&[skipped]), WaiverState::Untried);
}

#[test]
fn a_finding_of_a_whole_kernel_is_waived_too() {
    let world = World::new(get(), json!({"errno": "ok"}), Some(json!({"errno": "EINVAL"})));
    let mut verdict = world.judge(ok(), "7.3");
    let print = verdict.findings[0].fingerprint.clone();
    let text = file(&[entry(&[("fingerprint", &format!("\"{print}\"")), ("session", "\"-\"")])]);
    let waivers = load(&world, &text, TODAY).unwrap();
    waivers.apply("k", "7.3", &mut verdict.findings);
    assert_eq!(verdict.breaks(Policy::Frozen), 0);
    assert_eq!(waivers.uses(&[verdict])[0].state, WaiverState::Applied);
}

#[test]
fn a_waiver_that_names_another_session_lets_nothing_through() {
    let waivers = load(&world(), &file(&[entry(&[("session", "\"-\"")])]), TODAY).unwrap();
    let verdict = waived(&waivers, "7.2", "7.2.12");
    assert!(verdict.sessions[0].findings[0].waived.is_none());
    assert_eq!(waivers.uses(&[verdict])[0].state, WaiverState::Unmatched);
}

#[test]
fn a_gap_of_the_suite_is_not_waived() {
    let waivers = load(&world(), &file(&[entry(&[])]), TODAY).unwrap();
    let mut verdict = world().judge(errno("EINVAL"), "7.2");
    verdict.sessions[0].findings[0].rule = "unclassified".into();
    waivers.apply("7.2", "7.2.12", verdict.sessions.iter_mut().flat_map(|s| &mut s.findings));
    assert!(verdict.sessions[0].findings[0].waived.is_none());
    assert_eq!(verdict.sessions[0].status(Policy::Frozen), Status::Error);
}

#[rstest]
#[case::no_expiry(&[("expires", "")], 3, "a waiver needs `expires`")]
#[case::no_day(&[("expires", "\"soon\"")], 9, "\"soon\" is not a date; write it without quotes")]
#[case::a_day_in_quotes(&[("expires", "\"2026-12-31\"")], 9, "without quotes")]
#[case::a_time(&[("expires", "2026-12-31T10:00:00Z")], 9, "is not a date")]
#[case::a_day_that_there_is_not(&[("expires", "2026-02-30")], 9, "")]
#[case::no_reason(&[("reason", "\" \"")], 7, "a waiver needs a reason")]
#[case::no_reference(&[("reference", "\"\"")], 8, "a waiver needs a reference")]
#[case::a_field_left_out(&[("reason", "")], 3, "missing field `reason`")]
#[case::no_fingerprint(&[("fingerprint", "\"set-blocked\"")], 4, "not a fingerprint; take the 16 digits")]
#[case::no_such_session(&[("session", "\"sss\"")], 5, "there is no session `sss`")]
#[case::no_such_kernel(&[("kernels", "[\"7.2\", \"9.9\"]")], 6, "no kernel `9.9` in the catalogue")]
#[case::no_kernel(&[("kernels", "[]")], 6, "no kernels")]
#[case::a_range_of_three_parts(&[("kernels", "[\"7.2.1..=7.3\"]")], 6, "is not a range of releases")]
#[case::a_range_that_leaves_out_its_end(&[("kernels", "[\"7.2..7.3\"]")], 6, "is not a range of releases")]
#[case::a_range_of_everything(&[("kernels", "[\"..\"]")], 6, "is not a range of releases")]
#[case::a_range_backwards(&[("kernels", "[\"7.3..=7.2\"]")], 6, "ends before it begins")]
fn a_bad_waiver_is_refused_with_file_and_line(
    #[case] edit: &[(&str, &str)],
    #[case] line: usize,
    #[case] says: &str,
) {
    let error = load(&world(), &file(&[entry(edit)]), TODAY).unwrap_err().to_string();
    assert!(error.contains(&format!("waivers.toml:{line}: ")) && error.contains(says), "{error}");
}

#[rstest]
#[case::unknown_field(|text: String| text.replace("reason", "raeson"), "unknown field `raeson`")]
#[case::unknown_table(|text: String| text.replace("[[waiver]]", "[[waivers]]"), "unknown field `waivers`")]
#[case::no_toml(|text: String| text.replace("[[waiver]]", "[[waiver"), "waivers.toml:3: ")]
#[case::another_form(|text: String| text.replace("waivers/1", "waivers/2"), "is not `scrubjay.waivers/1`")]
#[case::twice(|text: String| format!("{text}\n{}", entry(&[])), "waivers.toml:12: the waiver at line 3 is for the same")]
fn a_bad_file_is_refused(#[case] spoil: fn(String) -> String, #[case] says: &str) {
    let text = spoil(file(&[entry(&[])]));
    let error = load(&world(), &text, TODAY).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}
