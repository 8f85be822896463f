//! Known defects: what a mark has to say, and what a kernel shows of it.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod world;

use rstest::rstest;
use scrubjay_session::klog::{Class, Event};
use scrubjay_session::observation::{Observation, StepEnd};
use scrubjay_session::{Performance, Session};
use scrubjay_verdict::{DefectState, KernelVerdict, Library, Policy, Status};
use serde_json::{Value, json};

use crate::world::{World, errno, get, ok};

/// `step` gives `ok`, which is a defect that change `c` mends with EINVAL.
fn world() -> World {
    let world = World::new(get(), json!({"errno": "ok"}), Some(json!({"errno": "EINVAL"})));
    world.edit("goldens/s.json", "/steps/1/defect", defect());
    world
}

fn defect() -> Value {
    json!({"promise": "P01", "breaks": "fwctl.h, struct fwctl_rpc", "mended_by": "c"})
}

fn states(verdict: &KernelVerdict) -> Vec<DefectState> {
    verdict.sessions[0].defects.iter().map(|seen| seen.state).collect()
}

#[rstest]
#[case::as_recorded(ok(), DefectState::There, Status::Pass)]
#[case::with_its_change(errno("EINVAL"), DefectState::Mended, Status::Pass)]
#[case::as_nothing_known(errno("EIO"), DefectState::Changed, Status::Break)]
fn a_defect_is_told_with_what_the_kernel_shows(
    #[case] seen: Observation,
    #[case] state: DefectState,
    #[case] status: Status,
) {
    let verdict = world().judge(seen, "7.1");
    assert_eq!(states(&verdict), [state]);
    assert_eq!(verdict.sessions[0].status(Policy::Frozen), status);
}

#[test]
fn without_a_change_that_mends_it_a_defect_is_there_on_every_kernel() {
    let world = world();
    world.edit("goldens/s.json", "/steps/1/defect", json!({"promise": "P01", "breaks": "fwctl.h"}));
    assert_eq!(states(&world.judge(errno("EINVAL"), "7.2")), [DefectState::There]);
}

#[rstest]
#[case::failed(Performance::Failed { why: "w".into() })]
#[case::skipped(Performance::Skipped { why: "w".into() })]
fn a_session_that_was_not_performed_says_nothing_of_its_defects(#[case] performance: Performance) {
    assert_eq!(states(&world().outcome(performance, "7.1")), [DefectState::NotTested]);
}

fn undefined() -> World {
    let world = World::new(
        json!({"id": "step", "do": {"get-feature": {"feature": "patrol-scrub", "count": 4}}, "outcome": "undefined"}),
        json!({"errno": "ok"}),
        None,
    );
    world.edit("goldens/s.json", "/steps/1/defect", json!({"promise": "P01", "breaks": "fwctl.h"}));
    world
}

#[test]
fn a_step_that_differs_by_build_is_not_compared_and_its_defect_listed() {
    for seen in [ok(), errno("EINVAL")] {
        let verdict = undefined().judge(seen, "7.1");
        assert_eq!(states(&verdict), [DefectState::NotCompared]);
        assert_eq!(verdict.all_findings().count(), 0);
    }
}

#[test]
fn damage_in_a_step_that_differs_by_build_is_a_finding() {
    let oops = Observation {
        end: StepEnd::Died,
        log: vec![Event { class: Class::Oops, what: "x".into() }],
        ..Observation::default()
    };
    let verdict = undefined().judge(oops, "7.1");
    assert_eq!(states(&verdict), [DefectState::Changed]);
    assert_eq!(verdict.sessions[0].status(Policy::Exempt), Status::Break);
}

#[rstest]
#[case::unknown_promise("promise", json!("Z99"), "there is no promise `Z99`")]
#[case::promise_that_nobody_wrote_down("promise", json!("P02"), "`P02` is not documented")]
#[case::no_sentence("breaks", json!(" "), "`breaks` is empty")]
#[case::unknown_change("mended_by", json!("zzz"), "there is no change `zzz`")]
#[case::unknown_field("since", json!("7.2"), "unknown field `since`")]
fn a_mark_that_says_too_little_is_refused_with_file_and_line(
    #[case] field: &str,
    #[case] value: Value,
    #[case] says: &str,
) {
    let world = world();
    world.edit("goldens/s.json", &format!("/steps/1/defect/{field}"), value);
    let error = Library::load(world.path()).err().expect("refused").to_string();
    assert!(error.contains(says), "{error}");
    let (_, after) = error.split_once("goldens/s.json:").expect("file and line");
    assert!(after.starts_with(|c: char| c.is_ascii_digit()), "{error}");
}

#[test]
fn a_change_that_is_not_at_the_step_cannot_mend_it() {
    let world = World::new(get(), json!({"errno": "ok"}), None);
    world.edit("goldens/s.json", "/steps/1/defect", defect());
    let error = Library::load(world.path()).err().expect("refused").to_string();
    assert!(error.contains("no alternative of the step has `c`"), "{error}");
}

/// The marks of the project itself.
#[test]
fn a_defect_belongs_to_a_session_of_this_suite() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = Library::load(&root).unwrap();
    let marked = |session: &&Session| {
        library.goldens.get(&session.id).is_some_and(|golden| golden.steps.iter().any(|s| s.defect.is_some()))
    };
    let marked: Vec<_> = library.sessions.iter().filter(marked).map(|s| s.id.as_str()).collect();
    for known in ["lost-set-looks-like-success", "return-codes-beyond-the-table"] {
        assert!(marked.contains(&known), "{known} is not marked: {marked:?}");
    }
}
