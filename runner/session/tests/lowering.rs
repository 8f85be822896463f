//! Steps as the agent and the firmware get them.

use std::path::Path;

use rstest::rstest;
use scrubjay_session::Session;
use scrubjay_session::cxl::profile::Play;
use scrubjay_session::lower::{HostAction, Lowered, Surroundings, lower};
use scrubjay_wire::Op;

fn session(steps: &str) -> Session {
    let text = format!(
        r#"{{"format":"scrubjay.session/1","id":"s","title":"t","devices":["d"],"promise":"A01","steps":{steps}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn lowered(steps: &str) -> Lowered {
    lower(&session(steps), &Surroundings { feature: &|_, _| None, devices: &[0], patience: 1.0 }).unwrap()
}

#[rstest]
#[case::once(r#"{"slot":"a"}"#, &["a"])]
#[case::thrice(r#"{"slot":"a","count":3}"#, &["a-0", "a-1", "a-2"])]
fn an_open_names_its_descriptors(#[case] open: &str, #[case] names: &[&str]) {
    let lowered = lowered(&format!(r#"[{{"id":"open","do":{{"open":{open}}}}}]"#));
    let Op::Open { slots, .. } = &lowered.program.steps[0].op else { panic!() };
    assert_eq!(slots, names);
}

#[test]
fn an_open_of_nothing_is_refused() {
    let none = session(r#"[{"id":"open","do":{"open":{"count":0}}}]"#);
    assert!(none.check(Path::new("s.json")).unwrap_err().to_string().contains("count"));
}

#[test]
fn a_single_open_is_written_as_before() {
    let once = session(r#"[{"id":"open","do":{"open":{}}}]"#);
    assert!(!serde_json::to_string(&once).unwrap().contains("count"));
}

#[test]
fn a_descriptor_is_opened_again_by_its_number() {
    let lowered = lowered(
        r#"[{"id":"open","do":{"open":{}}},{"id":"again","do":{"reopen":{"from":"fd","to":"other"}}}]"#,
    );
    assert_eq!(lowered.program.steps[1].op, Op::Reopen { from: "fd".into(), to: "other".into() });
}

#[test]
fn a_fault_is_the_firmwares_and_nothing_in_the_guest() {
    let fault =
        r#"{"on":{"opcode":"get-feature","skip":1},"play":{"output-replaced":{"at":2,"bytes":"0708"}}}"#;
    let lowered = lowered(&format!(r#"[{{"id":"fault","do":{{"firmware-fault":{fault}}}}}]"#));
    assert_eq!(lowered.program.steps[0].op, Op::Host);
    let Some(HostAction::Fault(fault)) = &lowered.steps[0].host else { panic!() };
    assert_eq!(fault.on.skip, 1);
    let Play::OutputReplaced(replaced) = &fault.play else { panic!() };
    assert_eq!((replaced.at, &*replaced.bytes), (2, &[7, 8][..]));
}
