//! One kernel held against another, with and without a golden.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod world;

use std::collections::BTreeMap;
use std::fs;

use rstest::rstest;
use scrubjay_session::klog::{Class, Event};
use scrubjay_session::observation::{Aside, Observation, Seen, StepEnd};
use scrubjay_session::{Performance, Transcript};
use scrubjay_verdict::{DefectState, KernelVerdict, Policy, Reference, Status};
use serde_json::json;

use crate::world::{World, errno, get, ok, performed};

/// The verdict of a kernel that gave `seen`, held against one that gave `reference`.
fn held(world: &World, reference: Performance, seen: Performance) -> KernelVerdict {
    let library = world.library();
    let books = library.books();
    let one = |performance| BTreeMap::from([("s".to_owned(), performance)]);
    let reference = Reference::new("old", "7.1.13", &one(reference), &books);
    let performances = one(seen);
    let sessions = performances.iter().map(|(id, p)| reference.judge_session(id, p, &books)).collect();
    reference.conclude("k", "7.3.4", None, sessions, &performances, &books)
}

fn rules(verdict: &KernelVerdict) -> Vec<&str> {
    verdict.all_findings().map(|f| f.rule.as_str()).collect()
}

/// A world whose session has no golden.
fn bare() -> World {
    let world = World::new(get(), json!({"errno": "ok"}), None);
    fs::remove_file(world.path().join("vectors/goldens/s.json")).unwrap();
    fs::remove_file(world.path().join("vectors/changes/c.json")).unwrap();
    world
}

#[test]
fn a_session_needs_no_golden() {
    let alike = held(&bare(), performed(errno("EIO")), performed(errno("EIO")));
    assert_eq!(alike.sessions[0].status(Policy::Frozen), Status::Pass);
    let other = held(&bare(), performed(ok()), performed(errno("EINVAL")));
    assert_eq!(rules(&other), ["get-blocked"]);
    let finding = other.all_findings().next().unwrap();
    assert_eq!((finding.accepted.as_str(), finding.seen.as_str()), ("ok", "EINVAL"));
}

#[test]
fn what_the_golden_says_is_not_asked() {
    let world = World::new(get(), json!({"errno": "ok"}), None);
    let alike = held(&world, performed(errno("EIO")), performed(errno("EIO")));
    assert_eq!(alike.sessions[0].status(Policy::Frozen), Status::Pass);
    assert_eq!(rules(&held(&world, performed(errno("EIO")), performed(ok()))), ["get-unblocked"]);
}

#[test]
fn a_known_change_is_a_difference_and_told_in_the_profile() {
    let world = World::new(get(), json!({"errno": "ok"}), Some(json!({"errno": "EINVAL"})));
    let verdict = held(&world, performed(ok()), performed(errno("EINVAL")));
    assert_eq!(rules(&verdict), ["get-blocked"]);
    assert_eq!((verdict.changes.carries, verdict.changes.held_to), (vec!["c".to_owned()], None));
}

#[test]
fn a_set_of_allowed_values_is_one_value() {
    let world = World::new(get(), json!({"errno": "ok"}), None);
    world.edit("goldens/s.json", "/steps/1/base", json!([{"errno": "ok"}, {"errno": "EINTR"}]));
    let verdict = held(&world, performed(errno("EINTR")), performed(ok()));
    assert_eq!(rules(&verdict), [""; 0]);
    assert_eq!(rules(&held(&world, performed(errno("EINTR")), performed(errno("EIO")))), ["errno-changed"]);
    assert_eq!(rules(&held(&world, performed(errno("EIO")), performed(ok()))), ["get-unblocked"]);
}

#[rstest]
#[case::undefined("outcome", json!("undefined"))]
#[case::masked("masks", json!([{"field": "errno", "why": "w"}]))]
fn what_is_not_compared_is_not_compared(#[case] field: &str, #[case] value: serde_json::Value) {
    let world = bare();
    world.edit("sessions/s.json", &format!("/steps/1/{field}"), value);
    assert_eq!(rules(&held(&world, performed(ok()), performed(errno("EIO")))), [""; 0]);
}

#[rstest]
#[case::skipped(Performance::Skipped { why: "this kernel has no edac".into() }, Status::Skip)]
#[case::failed(Performance::Failed { why: "QEMU died".into() }, Status::Error)]
#[case::hurt_at_boot(hurt_at_boot(), Status::Error)]
fn without_a_reference_there_is_no_verdict(#[case] reference: Performance, #[case] status: Status) {
    let verdict = held(&bare(), reference, performed(ok()));
    let session = &verdict.sessions[0];
    assert_eq!(session.status(Policy::Frozen), status);
    let why = session.error.as_ref().or(session.skipped.as_ref()).unwrap();
    assert!(why.starts_with("nothing to compare with: on old "), "{why}");
}

#[test]
fn what_only_the_reference_could_be_asked_is_not_tested() {
    let skipped = Performance::Skipped { why: "this kernel has no edac".into() };
    let verdict = held(&bare(), performed(ok()), skipped);
    let session = &verdict.sessions[0];
    assert_eq!(session.status(Policy::Frozen), Status::Error);
    let expected = "performed on old, and cannot be here: this kernel has no edac";
    assert_eq!(session.error.as_deref(), Some(expected));
}

#[test]
fn a_session_that_failed_on_the_reference_is_not_tested_where_it_is_skipped() {
    let skipped = Performance::Skipped { why: "this kernel has no edac".into() };
    let failed = Performance::Failed { why: "QEMU died".into() };
    let session = &held(&bare(), failed, skipped).sessions[0];
    assert_eq!(session.status(Policy::Frozen), Status::Error);
    assert_eq!(session.error.as_deref(), Some("nothing to compare with: on old QEMU died"));
}

fn hurt_at_boot() -> Performance {
    let mut transcript = Transcript::new("s");
    let observation = Observation { end: StepEnd::GuestDied, ..Observation::default() };
    transcript.steps.push(Seen { id: "(boot)".into(), observation, aside: Aside::default() });
    Performance::Performed(Box::new(transcript))
}

fn oops() -> Observation {
    let log = vec![Event { class: Class::Oops, what: "x".into() }];
    Observation { end: StepEnd::Died, log, ..Observation::default() }
}

#[test]
fn damage_is_a_finding_unless_the_reference_has_it_too() {
    assert_eq!(rules(&held(&bare(), performed(oops()), performed(oops()))), ["known-damage"]);
    assert!(held(&bare(), performed(ok()), performed(oops())).breaks(Policy::Exempt) > 0);
    let skipped = Performance::Skipped { why: "w".into() };
    assert!(held(&bare(), skipped, performed(oops())).breaks(Policy::Exempt) > 0);
}

#[test]
fn known_defects_are_still_listed() {
    let world = World::new(get(), json!({"errno": "ok"}), None);
    world.edit("goldens/s.json", "/steps/1/defect", json!({"promise": "P01", "breaks": "fwctl.h"}));
    let verdict = held(&world, performed(ok()), performed(ok()));
    assert_eq!(verdict.sessions[0].defects[0].state, DefectState::There);
}
