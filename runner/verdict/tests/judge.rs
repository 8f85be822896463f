//! What a kernel gave, held against goldens and changes: every way that it can turn out.

mod world;

use rstest::rstest;
use scrubjay_session::klog::{Class, Event};
use scrubjay_session::observation::{Aside, Observation, Seen, StepEnd};
use scrubjay_session::{Performance, Transcript};
use scrubjay_verdict::judge::judge as judge_kernel;
use scrubjay_verdict::{Expectation, KernelVerdict, Library, Policy, Severity, Status};
use serde_json::{Value, json};

use crate::world::{World, errno, get, ok, set};

fn rules(verdict: &KernelVerdict) -> Vec<&str> {
    verdict.all_findings().map(|f| f.rule.as_str()).collect()
}

#[test]
fn what_is_as_recorded_passes() {
    let verdict = World::new(get(), json!({"errno": "ok"}), None).judge(ok(), "7.1");
    assert_eq!(verdict.sessions[0].status(Policy::Frozen), Status::Pass);
    assert_eq!(verdict.all_findings().count(), 0);
}

#[rstest]
#[case::get_blocked(get(), "ok", errno("EINVAL"), "get-blocked")]
#[case::get_let_through(get(), "EINVAL", ok(), "get-unblocked")]
#[case::set_blocked(set(), "ok", errno("EPERM"), "set-blocked")]
#[case::set_let_through(set(), "EPERM", ok(), "set-unblocked")]
#[case::another_refusal(set(), "EPERM", errno("EINVAL"), "errno-changed")]
#[case::node_gone(json!({"id": "step", "do": {"open": {"slot": "b"}}}), "ok", errno("ENOENT"), "node-missing")]
#[case::node_closed(json!({"id": "step", "do": {"open": {"slot": "b"}}}), "ok", errno("EACCES"), "open-blocked")]
#[case::info(json!({"id": "step", "do": {"info": {}}}), "ok", errno("ENOTTY"), "info-blocked")]
#[case::attribute(json!({"id": "step", "do": {"read": {"anchor": "edac"}}}), "ok", errno("EIO"), "attribute-blocked")]
fn an_errno_is_told_by_what_it_means(
    #[case] step: Value,
    #[case] accepted: &str,
    #[case] seen: Observation,
    #[case] rule: &str,
) {
    let verdict = World::new(step, json!({"errno": accepted}), None).judge(seen, "7.1");
    assert_eq!(rules(&verdict), [rule]);
}

#[rstest]
#[case::answer(Observation { out: Some(vec![1].into()), ..ok() }, "get-changed")]
#[case::arg(Observation { arg: Some(vec![1].into()), ..ok() }, "argument-changed")]
#[case::input(Observation { input: Some(vec![1].into()), ..ok() }, "input-overwritten")]
#[case::ret(Observation { ret: 1, ..ok() }, "return-changed")]
#[case::text(Observation { text: Some("x".into()), ..ok() }, "unclassified")]
#[case::taint(Observation { taint: vec!["fwctl".into()], ..ok() }, "get-taints")]
#[case::message(
    Observation { log: vec![Event { class: Class::Message, what: "mailbox-busy".into() }], ..ok() },
    "message-added"
)]
#[case::oops(
    Observation { log: vec![Event { class: Class::Oops, what: "x".into() }], ..ok() },
    "kernel-oops"
)]
#[case::hung(Observation { end: StepEnd::Hung, ..Observation::default() }, "kernel-hung")]
#[case::lost(Observation { end: StepEnd::NotReached, ..Observation::default() }, "step-lost")]
fn every_field_has_its_rule(#[case] seen: Observation, #[case] rule: &str) {
    let verdict = World::new(get(), json!({"errno": "ok"}), None).judge(seen, "7.1");
    assert_eq!(rules(&verdict), [rule]);
    // A Get gives no text: what nobody can name is an error of the suite.
    let nameless = verdict.sessions[0].status(Policy::Frozen) == Status::Error;
    assert_eq!(nameless, rule == "unclassified");
}

#[rstest]
#[case::as_before(ok(), &[], &["c"])]
#[case::as_changed(errno("EINVAL"), &["c"], &[])]
fn a_kernel_is_matched_by_what_it_does(
    #[case] seen: Observation,
    #[case] carries: &[&str],
    #[case] lacks: &[&str],
) {
    let world = World::new(get(), json!({"errno": "ok"}), Some(json!({"errno": "EINVAL"})));
    let verdict = world.judge(seen, "7.1");
    assert_eq!(verdict.changes.carries, carries);
    assert_eq!(verdict.changes.lacks, lacks);
    assert_eq!(verdict.sessions[0].status(Policy::Frozen), Status::Pass);
}

#[rstest]
#[case::what_both_may_do(errno("EINVAL"), "7.3", &[])]
#[case::what_only_the_older_does(ok(), "7.3", &["regressed"])]
#[case::on_an_older(ok(), "7.1", &[])]
#[case::neither(errno("EIO"), "7.1", &["errno-changed"])]
fn a_change_may_leave_one_of_several_values(
    #[case] seen: Observation,
    #[case] release: &str,
    #[case] found: &[&str],
) {
    let base = json!([{"errno": "EINVAL"}, {"errno": "ok"}]);
    let world = World::new(get(), base, Some(json!({"errno": "EINVAL"})));
    assert_eq!(rules(&world.judge(seen, release)), found);
}

#[test]
fn a_release_that_lacks_its_change_has_regressed() {
    let world = World::new(get(), json!({"errno": "ok"}), Some(json!({"errno": "EINVAL"})));
    assert_eq!(rules(&world.judge(ok(), "7.3")), ["regressed"]);
    assert_eq!(world.judge(ok(), "7.1").all_findings().count(), 0);
}

#[test]
fn what_no_change_explains_is_a_finding() {
    let world = World::new(get(), json!({"errno": "ok"}), Some(json!({"errno": "EINVAL"})));
    let verdict = world.judge(errno("EIO"), "7.1");
    assert_eq!(rules(&verdict), ["get-blocked"]);
    assert!(verdict.changes.unknown.contains(&"c".to_owned()));
}

#[rstest]
#[case::documented("P01", [true, true, true])]
#[case::implied("P02", [false, false, true])]
#[case::incidental("P03", [false, false, false])]
fn how_firm_the_promise_is_bounds_what_a_finding_weighs(#[case] promise: &str, #[case] breaks: [bool; 3]) {
    let mut step = get();
    step["promise"] = json!(promise);
    let verdict = World::new(step, json!({"errno": "ok"}), None).judge(errno("EINVAL"), "7.1");
    let finding = verdict.all_findings().next().unwrap();
    assert_eq!(Policy::ALL.map(|policy| finding.breaks(policy)), breaks);
}

#[test]
fn damage_weighs_the_same_whatever_the_step_pinned() {
    let mut step = get();
    step["promise"] = json!("P03");
    let seen = Observation { end: StepEnd::Died, ..Observation::default() };
    let verdict = World::new(step, json!({"errno": "ok"}), None).judge(seen, "7.1");
    assert!(verdict.all_findings().next().unwrap().breaks(Policy::Exempt));
}

#[test]
fn known_damage_is_a_note_and_stays_in_sight() {
    let base = json!({"errno": "", "end": "died", "log": [{"class": "oops", "what": "a"}]});
    let seen = Observation {
        end: StepEnd::Died,
        log: vec![Event { class: Class::Oops, what: "another address".into() }],
        ..Observation::default()
    };
    let verdict = World::new(get(), base, None).judge(seen, "7.1");
    assert_eq!(rules(&verdict), ["known-damage"]);
    assert_eq!(verdict.sessions[0].status(Policy::Frozen), Status::Pass);
}

#[rstest]
#[case::masked(json!([{"field": "text", "why": "w"}]), Value::Null, 0)]
#[case::undefined(Value::Null, json!("undefined"), 0)]
#[case::neither(Value::Null, Value::Null, 1)]
fn masked_and_undefined_fields_are_not_compared(
    #[case] masks: Value,
    #[case] outcome: Value,
    #[case] findings: usize,
) {
    let mut step = json!({"id": "step", "do": {"read": {"anchor": "edac"}}});
    if !masks.is_null() {
        step["masks"] = masks;
    }
    if !outcome.is_null() {
        step["outcome"] = outcome;
    }
    let seen = Observation { text: Some("now".into()), ..ok() };
    let verdict = World::new(step, json!({"errno": "ok", "text": "then"}), None).judge(seen, "7.1");
    assert_eq!(verdict.all_findings().count(), findings);
}

#[test]
fn damage_shows_through_masks_and_undefined_outcomes() {
    let mut step = get();
    step["outcome"] = json!("undefined");
    step["masks"] = json!([{"field": "log", "why": "w"}, {"field": "end", "why": "w"}]);
    let seen = Observation { log: vec![Event { class: Class::Kasan, what: "x".into() }], ..ok() };
    let verdict = World::new(step, json!({"errno": "ok"}), None).judge(seen, "7.1");
    assert_eq!(rules(&verdict), ["kernel-sanitizer"]);
}

#[rstest]
#[case::failed(Performance::Failed { why: "w".into() }, Status::Error)]
#[case::skipped(Performance::Skipped { why: "w".into() }, Status::Skip)]
fn what_was_not_performed_never_passes(#[case] performance: Performance, #[case] status: Status) {
    let verdict = World::new(get(), json!({"errno": "ok"}), None).outcome(performance, "7.1");
    assert_eq!(verdict.sessions[0].status(Policy::Frozen), status);
}

#[test]
fn damage_of_another_thread_is_a_finding_too() {
    let world = World::new(get(), json!({"errno": "ok"}), None);
    let mut transcript = Transcript::new("s");
    for id in ["open", "step"] {
        transcript.steps.push(Seen { id: id.into(), observation: ok(), aside: Aside::default() });
    }
    transcript.unattributed.push(
        serde_json::from_value(json!({"seq": 1, "micros": 1, "level": 3, "caller": "T9",
            "text": "BUG: KASAN: slab-use-after-free in f+0x1/0x2"}))
        .unwrap(),
    );
    let verdict = world.outcome(Performance::Performed(Box::new(transcript)), "7.1");
    assert_eq!(rules(&verdict), ["kernel-sanitizer"]);
}

#[rstest]
#[case::older_session("goldens/s.json", "of", json!("0"), "has changed since")]
#[case::no_such_change("goldens/s.json", "steps", json!([{"id": "open", "base": [{"errno": "ok"}]},
    {"id": "step", "base": [{"errno": "ok"}], "changes": [{"with": ["zzz"], "seen": [{"errno": "EIO"}]}]}]), "no change `zzz`")]
#[case::changes_nothing("goldens/s.json", "steps", json!([{"id": "open", "base": [{"errno": "ok"}]},
    {"id": "step", "base": [{"errno": "ok"}], "changes": [{"with": ["c"], "seen": [{"errno": "ok"}]}]}]), "changes nothing")]
#[case::change_without_reason("changes/c.json", "reason", json!(" "), "reason and a reference")]
#[case::unknown_profile("sessions/s.json", "devices", json!(["nobody"]), "no profile `nobody`")]
#[case::unknown_promise("sessions/s.json", "promise", json!("Z99"), "no promise `Z99`")]
#[case::unknown_field("sessions/s.json", "extra", json!(1), "unknown field `extra`")]
#[case::wrong_format("sessions/s.json", "format", json!("scrubjay.session/9"), "is not `scrubjay.session/1`")]
fn bad_vectors_are_refused_with_the_file_and_the_remedy(
    #[case] file: &str,
    #[case] field: &str,
    #[case] value: Value,
    #[case] says: &str,
) {
    let world = World::new(get(), json!({"errno": "ok"}), None);
    world.edit(file, &format!("/{field}"), value);
    let error = Library::load(world.path()).err().expect("refused").to_string();
    assert!(error.contains(says), "{error}");
    let (_, after) =
        error.split_once(&format!("{file}:")).unwrap_or_else(|| panic!("no file and line: {error}"));
    assert!(after.starts_with(|c: char| c.is_ascii_digit()), "{error}");
}

/// Nobody promised fwctl of a kernel that is only described and whose config leaves it out.
#[rstest]
#[case::described(None, true, None, Severity::Warn)]
#[case::held_to_a_baseline(Some("7.2"), true, None, Severity::Break)]
#[case::its_config_is_not_known(None, false, None, Severity::Break)]
#[case::its_manifest_says_so(Some("6.12"), true, Some("before 6.15"), Severity::Note)]
fn an_absence_weighs_what_was_promised(
    #[case] release: Option<&str>,
    #[case] by_config: bool,
    #[case] absent: Option<&str>,
    #[case] expected: Severity,
) {
    let library = World::new(get(), json!({"errno": "ok"}), None).library();
    let release = release.map(|release| release.parse().unwrap());
    let absent = absent.map(str::to_owned);
    let expectation = Expectation { release, by_config, absent, ..Expectation::default() };
    let verdict = judge_kernel("k", "7.2", Some("no fwctl"), &[].into(), &expectation, &library.books());
    let weighs: Vec<_> = verdict.findings.iter().map(|f| (f.rule.as_str(), f.severity.frozen)).collect();
    assert_eq!(weighs, [("fwctl-absent", expected)]);
}
