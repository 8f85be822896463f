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
    lower(
        &session(steps),
        &Surroundings { feature: &|_, _| None, devices: &[0], patience: 1.0, sample: None },
    )
    .unwrap()
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

/// The only ioctl of a session with one step.
fn ioctl(action: &str) -> scrubjay_wire::Ioctl {
    let lowered = lowered(&format!(r#"[{{"id":"call","do":{action}}}]"#));
    let Op::Ioctl(ioctl) = lowered.program.steps[0].op.clone() else { panic!() };
    ioctl
}

#[test]
fn a_command_of_the_memdev_has_its_sizes_and_pointers_to_both_buffers() {
    let ioctl = ioctl(r#"{"memdev-send":{"command":"get-log","payload":"0102","out":5}}"#);
    assert_eq!(ioctl.request, 0xc030_ce02);
    let lengths: Vec<_> = ioctl.buffers.iter().map(|buffer| buffer.bytes.len()).collect();
    assert_eq!(lengths, [48, 2, 5]);
    assert_eq!(ioctl.buffers[0].bytes.to_string(), "08 00*15 02 00*15 05 00*15");
    let links: Vec<_> = ioctl.links.iter().map(|link| (link.buffer, link.offset, link.to)).collect();
    assert_eq!(links, [(0, 24, 1), (0, 40, 2)]);
}

#[rstest]
#[case::its_fixed_answer(r#"{"command":"identify"}"#, "01 00*31 43 00*15", 67)]
#[case::an_opcode_of_its_own(r#"{"command":"raw","opcode":"set-feature","out":0}"#, "02 00*7 0205 00*38", 0)]
#[case::a_reserved_half(
    r#"{"command":"raw","opcode":"0xc000","out":0,"call":{"reserved":1}}"#,
    "02 00*8 c001 00*37",
    0
)]
#[case::a_reserved_word(
    r#"{"command":"identify","call":{"reserved":65537}}"#,
    "01 00*7 01000100 00*20 43 00*15",
    67
)]
#[case::more_than_there_is(
    r#"{"command":"identify","out":16,"call":{"out_size":2147483648,"in_size":3}}"#,
    "01 00*15 03 00*18 80 00*12",
    16
)]
#[case::a_number(r#"{"command":"0x19","out":0}"#, "19 00*47", 0)]
fn a_command_of_the_memdev_is_laid_out(#[case] send: &str, #[case] structure: &str, #[case] room: usize) {
    let ioctl = ioctl(&format!(r#"{{"memdev-send":{send}}}"#));
    assert_eq!(ioctl.buffers[0].bytes, structure.parse().unwrap());
    assert_eq!(ioctl.buffers[2].bytes.len(), room);
}

#[rstest]
#[case::how_many(r#"{}"#, "00*8")]
#[case::rows(r#"{"count":2}"#, "02 00*7 a5*32")]
#[case::room_for_less(r#"{"count":2,"room":1,"reserved":7}"#, "02000000 07000000 a5*16")]
fn a_query_of_the_memdev_has_room_behind_its_structure(#[case] query: &str, #[case] structure: &str) {
    let ioctl = ioctl(&format!(r#"{{"memdev-query":{query}}}"#));
    assert_eq!(ioctl.request, 0x8008_ce01);
    assert_eq!(ioctl.buffers[0].bytes, structure.parse().unwrap());
}
