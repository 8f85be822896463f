//! What the firmware answers, without any register or socket.

use std::path::Path;

use rstest::{fixture, rstest};
use scrubjay_session::cxl::profile::Profile;
use scrubjay_uapi::cxl::feature::{GetFeatureIn, GetSupportedIn, SetFeatureIn, WireUuid};
use scrubjay_uapi::cxl::{KnownFeature, ReturnCode, Selection};
use scrubjay_wire::Bytes;
use uuid::{Uuid, uuid};
use zerocopy::IntoBytes;

use super::{Answer, Firmware, ListView, ValueError};

const KNOB: Uuid = uuid!("00000000-0000-0000-0000-000000000001");
const AT_RESET: Uuid = uuid!("00000000-0000-0000-0000-000000000002");
const FIXED: Uuid = uuid!("00000000-0000-0000-0000-000000000003");
const LONG: Uuid = uuid!("00000000-0000-0000-0000-000000000004");
const STRANGER: Uuid = uuid!("00000000-0000-0000-0000-0000000000ff");
const SCRUB: Uuid = KnownFeature::PatrolScrub.uuid();
const ECS: Uuid = KnownFeature::Ecs.uuid();
const SOFT_PPR: Uuid = KnownFeature::SoftPpr.uuid();
const ROW: Uuid = KnownFeature::RowSparing.uuid();

const PROFILE: &str = r#"{
  "format": "scrubjay.device/1", "id": "p", "title": "t", "serial": "0x1",
  "attach": "cxl-endpoint", "until": "endpoint", "mailbox-payload": 256, "firmware-version": "2.1",
  "features": [
    { "name": "knob", "uuid": "00000000-0000-0000-0000-000000000001", "get-size": 4, "set-size": 3,
      "flags": ["changeable", "default-selection", "saved-selection"],
      "effects": ["immediate-configuration-change"], "set-version": 2,
      "current": "01020304", "default": "0a0b0c0d", "saved": "11121314", "writable": "ffff0f" },
    { "name": "at-reset", "uuid": "00000000-0000-0000-0000-000000000002", "get-size": 2, "set-size": 2,
      "flags": ["changeable", "saved-selection"], "effects": ["configuration-change-cold-reset"],
      "current": "0000" },
    { "name": "fixed", "uuid": "00000000-0000-0000-0000-000000000003", "get-size": 1, "current": "07" },
    { "name": "long", "uuid": "00000000-0000-0000-0000-000000000004", "get-size": 600, "set-size": 600,
      "flags": ["changeable"], "effects": ["immediate-data-change"], "current": "00*600" },
    { "name": "patrol-scrub", "get-size": 4, "set-size": 2, "flags": ["changeable"], "current": "010c0201" },
    { "name": "ecs", "get-size": 9, "set-size": 5, "flags": ["changeable"], "current": "00 01030007 01040007" },
    { "name": "soft-ppr", "get-size": 20, "set-size": 3, "flags": ["changeable"],
      "current": "11 0100 0000 01 00 00*9 05 0000 00" },
    { "name": "row-sparing", "get-size": 19, "set-size": 2, "flags": ["changeable"],
      "current": "11 0000 0000 02 01 00*9 00 0400" }
  ]
}"#;

fn parse(text: &str) -> Profile {
    Profile::parse(text, Path::new("p.json")).unwrap()
}

#[fixture]
fn firmware() -> Firmware {
    Firmware::new(&parse(PROFILE))
}

fn get(firmware: &mut Firmware, uuid: Uuid, offset: u16, count: u16, selection: u8) -> Answer {
    let request =
        GetFeatureIn { uuid: WireUuid::from(uuid), offset: offset.into(), count: count.into(), selection };
    firmware.command(0x0501, request.as_bytes())
}

fn set(firmware: &mut Firmware, uuid: Uuid, flags: u32, offset: u16, version: u8, data: &[u8]) -> ReturnCode {
    let header = SetFeatureIn {
        uuid: WireUuid::from(uuid),
        flags: flags.into(),
        offset: offset.into(),
        version,
        rsvd: [0; 9],
    };
    let answer = firmware.command(0x0502, &[header.as_bytes(), data].concat());
    assert!(answer.output.is_empty(), "a Set Feature has no output");
    answer.code
}

fn list(firmware: &mut Firmware, count: u32, start: u16) -> Answer {
    let request = GetSupportedIn { count: count.into(), start_idx: start.into(), reserved: [0; 2] };
    firmware.command(0x0500, request.as_bytes())
}

fn value(firmware: &Firmware, name: &str, selection: Selection) -> Vec<u8> {
    firmware.features.value(name, selection).unwrap().to_vec()
}

/// Transfer actions.
const FULL: u32 = 0;
const INITIATE: u32 = 1;
const CONTINUE: u32 = 2;
const FINISH: u32 = 3;
const ABORT: u32 = 4;
/// Saved across reset.
const SAVED: u32 = 8;

#[rstest]
#[case::current(KNOB, 0, 4, 0, ReturnCode::SUCCESS, &[1, 2, 3, 4])]
#[case::default(KNOB, 0, 4, 1, ReturnCode::SUCCESS, &[0xa, 0xb, 0xc, 0xd])]
#[case::saved(KNOB, 0, 4, 2, ReturnCode::SUCCESS, &[0x11, 0x12, 0x13, 0x14])]
#[case::part(KNOB, 1, 2, 0, ReturnCode::SUCCESS, &[2, 3])]
#[case::nothing(KNOB, 4, 0, 0, ReturnCode::SUCCESS, &[])]
#[case::beyond(KNOB, 1, 4, 0, ReturnCode::INVALID_INPUT, &[])]
#[case::far_beyond(KNOB, 0xffff, 0xffff, 0, ReturnCode::INVALID_INPUT, &[])]
#[case::no_such_selection(KNOB, 0, 4, 3, ReturnCode::UNSUPPORTED_FEATURE_SELECTION, &[])]
#[case::no_default(FIXED, 0, 1, 1, ReturnCode::UNSUPPORTED_FEATURE_SELECTION, &[])]
#[case::no_saved(FIXED, 0, 1, 2, ReturnCode::UNSUPPORTED_FEATURE_SELECTION, &[])]
#[case::longer_than_the_payload(LONG, 0, 257, 0, ReturnCode::INVALID_INPUT, &[])]
#[case::stranger(STRANGER, 0, 1, 0, ReturnCode::UNSUPPORTED, &[])]
fn get_feature_gives_the_bytes_asked_for_or_the_code(
    mut firmware: Firmware,
    #[case] uuid: Uuid,
    #[case] offset: u16,
    #[case] count: u16,
    #[case] selection: u8,
    #[case] code: ReturnCode,
    #[case] output: &[u8],
) {
    let answer = get(&mut firmware, uuid, offset, count, selection);
    assert_eq!((answer.code, &answer.output[..]), (code, output));
}

#[rstest]
#[case::all(KNOB, FULL, 0, 2, &[9, 9, 9], ReturnCode::SUCCESS)]
#[case::part(KNOB, FULL, 1, 2, &[9], ReturnCode::SUCCESS)]
#[case::unknown_flag_bits(KNOB, 0xffff_fff0, 0, 2, &[9], ReturnCode::SUCCESS)]
#[case::version(KNOB, FULL, 0, 1, &[9, 9, 9], ReturnCode::UNSUPPORTED_FEATURE_VERSION)]
#[case::too_long(KNOB, FULL, 0, 2, &[9, 9, 9, 9], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::too_far(KNOB, FULL, 3, 2, &[9], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::no_data(KNOB, FULL, 0, 2, &[], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::bits_that_are_not_writable(KNOB, FULL, 0, 2, &[9, 9, 0x19], ReturnCode::INVALID_INPUT)]
#[case::reserved_transfer(KNOB, 5, 0, 2, &[9], ReturnCode::INVALID_INPUT)]
#[case::not_changeable(FIXED, FULL, 0, 1, &[9], ReturnCode::UNSUPPORTED)]
#[case::stranger(STRANGER, FULL, 0, 1, &[9], ReturnCode::UNSUPPORTED)]
fn set_feature_is_performed_or_refused_by_its_code(
    mut firmware: Firmware,
    #[case] uuid: Uuid,
    #[case] flags: u32,
    #[case] offset: u16,
    #[case] version: u8,
    #[case] data: &[u8],
    #[case] code: ReturnCode,
) {
    let before = value(&firmware, "knob", Selection::Current);
    assert_eq!(set(&mut firmware, uuid, flags, offset, version, data), code);
    let after = value(&firmware, "knob", Selection::Current);
    if code == ReturnCode::SUCCESS {
        let offset = usize::from(offset);
        assert_eq!(&after[offset..offset + data.len()], data);
    } else {
        assert_eq!(after, before);
    }
}

#[rstest]
#[case::with_the_flag(SAVED, &[9, 2, 3, 4])]
#[case::without(0, &[0x11, 0x12, 0x13, 0x14])]
fn a_set_value_outlives_a_reset_if_it_was_saved(
    mut firmware: Firmware,
    #[case] flags: u32,
    #[case] after_reset: &[u8],
) {
    assert_eq!(set(&mut firmware, KNOB, flags, 0, 2, &[9]), ReturnCode::SUCCESS);
    assert_eq!(value(&firmware, "knob", Selection::Current), [9, 2, 3, 4]);
    assert_eq!(value(&firmware, "knob", Selection::Saved), after_reset);
    firmware.reset();
    assert_eq!(value(&firmware, "knob", Selection::Current), after_reset);
}

#[rstest]
#[case::saved(SAVED, &[5, 0])]
#[case::not_saved(0, &[0, 0])]
fn a_value_that_waits_for_a_reset_comes_into_force_with_it(
    mut firmware: Firmware,
    #[case] flags: u32,
    #[case] saved: &[u8],
) {
    assert_eq!(set(&mut firmware, AT_RESET, flags, 0, 1, &[5]), ReturnCode::SUCCESS);
    assert_eq!(value(&firmware, "at-reset", Selection::Current), [0, 0]);
    assert_eq!(value(&firmware, "at-reset", Selection::Saved), saved);
    assert_eq!(set(&mut firmware, AT_RESET, flags, 1, 1, &[6]), ReturnCode::SUCCESS);
    firmware.reset();
    assert_eq!(value(&firmware, "at-reset", Selection::Current), [5, 6]);
}

#[rstest]
#[case::two_parts(&[(INITIATE, 0, 1), (FINISH, 1, 2)], &[])]
#[case::four_parts(&[(INITIATE, 0, 200), (CONTINUE, 200, 200), (CONTINUE, 400, 199), (FINISH, 599, 1)], &[])]
#[case::from_the_middle(&[(INITIATE, 100, 10), (FINISH, 110, 10)], &[])]
#[case::aborted(&[(INITIATE, 0, 1), (ABORT, 0, 0), (FULL, 0, 1)], &[])]
#[case::after_a_gap(&[(INITIATE, 0, 1), (CONTINUE, 2, 1)], &[ReturnCode::FEATURE_TRANSFER_OUT_OF_ORDER])]
#[case::over_again(&[(INITIATE, 0, 1), (INITIATE, 0, 1)], &[ReturnCode::FEATURE_TRANSFER_IN_PROGRESS])]
#[case::full_in_between(&[(INITIATE, 0, 1), (FULL, 0, 1)], &[ReturnCode::FEATURE_TRANSFER_IN_PROGRESS])]
#[case::continue_of_nothing(&[(CONTINUE, 0, 1)], &[ReturnCode::FEATURE_TRANSFER_OUT_OF_ORDER])]
#[case::finish_of_nothing(&[(FINISH, 0, 1)], &[ReturnCode::FEATURE_TRANSFER_OUT_OF_ORDER])]
#[case::abort_of_nothing(&[(ABORT, 0, 0)], &[ReturnCode::FEATURE_TRANSFER_OUT_OF_ORDER])]
#[case::too_long_in_the_end(&[(INITIATE, 0, 200), (CONTINUE, 200, 200), (FINISH, 400, 201)], &[ReturnCode::INVALID_PAYLOAD_LENGTH])]
#[case::a_refused_part_ends_it(
    &[(INITIATE, 0, 1), (CONTINUE, 9, 1), (FINISH, 1, 1)],
    &[ReturnCode::FEATURE_TRANSFER_OUT_OF_ORDER, ReturnCode::FEATURE_TRANSFER_OUT_OF_ORDER]
)]
fn parts_make_a_value_or_are_refused(
    mut firmware: Firmware,
    #[case] parts: &[(u32, u16, usize)],
    #[case] refusals: &[ReturnCode],
) {
    let codes: Vec<_> = parts
        .iter()
        .map(|&(transfer, offset, len)| set(&mut firmware, LONG, transfer, offset, 1, &vec![0x55; len]))
        .collect();
    let refused: Vec<_> = codes.into_iter().filter(|code| *code != ReturnCode::SUCCESS).collect();
    assert_eq!(refused, refusals);
    let written = value(&firmware, "long", Selection::Current).iter().filter(|b| **b == 0x55).count();
    let complete = parts.iter().any(|(transfer, ..)| *transfer == FINISH || *transfer == FULL);
    let sent: usize = match parts {
        [.., (ABORT, ..), (FULL, _, last)] => *last,
        _ => parts.iter().map(|(.., len)| len).sum(),
    };
    assert_eq!(written, if complete && refusals.is_empty() { sent } else { 0 });
}

#[rstest]
fn no_part_of_an_unfinished_transfer_shows(mut firmware: Firmware) {
    set(&mut firmware, LONG, INITIATE, 0, 1, &[0x55; 200]);
    assert_eq!(value(&firmware, "long", Selection::Current), [0; 600]);
}

#[rstest]
fn one_transfer_at_a_time(mut firmware: Firmware) {
    set(&mut firmware, LONG, INITIATE, 0, 1, &[1]);
    assert_eq!(set(&mut firmware, KNOB, FULL, 0, 2, &[9]), ReturnCode::FEATURE_TRANSFER_IN_PROGRESS);
    assert_eq!(set(&mut firmware, KNOB, ABORT, 0, 2, &[]), ReturnCode::FEATURE_TRANSFER_IN_PROGRESS);
    firmware.reset_function();
    assert_eq!(set(&mut firmware, KNOB, FULL, 0, 2, &[9]), ReturnCode::SUCCESS);
}

#[rstest]
#[case::count_only(8, 0, Some((0, 8)))]
#[case::not_quite_one(8 + 47, 0, Some((0, 8)))]
#[case::two(8 + 96, 0, Some((2, 8)))]
#[case::as_the_payload_holds(0xffff_ffff, 0, Some((5, 8)))]
#[case::the_last(8 + 480, 7, Some((1, 8)))]
#[case::beyond_the_last(8 + 480, 8, None)]
#[case::no_room_for_the_header(7, 0, None)]
fn get_supported_features_gives_what_fits(
    mut firmware: Firmware,
    #[case] count: u32,
    #[case] start: u16,
    #[case] expected: Option<(u8, u8)>,
) {
    let answer = list(&mut firmware, count, start);
    match expected {
        Some((entries, total)) => {
            assert_eq!(answer.code, ReturnCode::SUCCESS);
            assert_eq!(answer.output[..8], [entries, 0, total, 0, 0, 0, 0, 0]);
            assert_eq!(answer.output.len(), 8 + 48 * usize::from(entries));
        }
        None => assert_eq!(answer, ReturnCode::INVALID_INPUT.into()),
    }
}

#[rstest]
#[case::per_answer(ListView { per_answer: 1, ..ListView::default() }, 0, Some((1, 8)))]
#[case::shrunk(ListView { total: 2, ..ListView::default() }, 0, Some((2, 2)))]
#[case::shrunk_below_the_start(ListView { total: 2, ..ListView::default() }, 5, None)]
fn a_list_can_be_shown_in_part(
    mut firmware: Firmware,
    #[case] view: ListView,
    #[case] start: u16,
    #[case] expected: Option<(u8, u8)>,
) {
    firmware.features.view = view;
    let answer = list(&mut firmware, 256, start);
    let seen = answer.output.get(..4).map(|header| (header[0], header[2]));
    assert_eq!(seen, expected);
}

/// The readable value after a write of the writable one; empty where it is refused.
#[rstest]
#[case::scrub_cycle("patrol-scrub", SCRUB, &[24, 1], "01180201")]
#[case::scrub_off("patrol-scrub", SCRUB, &[12, 0], "010c0200")]
#[case::scrub_flags_without_meaning("patrol-scrub", SCRUB, &[12, 0x81], "010c0281")]
#[case::scrub_cycle_below_the_least("patrol-scrub", SCRUB, &[1, 1], "")]
#[case::ecs("ecs", ECS, &[1, 0x0c, 0, 0x05, 0], "01010c000701050007")]
#[case::ecs_reset("ecs", ECS, &[0, 0x13, 0, 0x04, 0], "000103000001040007")]
#[case::ecs_threshold_reserved("ecs", ECS, &[0, 2, 0, 4, 0], "")]
#[case::ecs_log_type_reserved("ecs", ECS, &[2, 3, 0, 4, 0], "")]
#[case::ppr_by_itself("soft-ppr", SOFT_PPR, &[1, 0, 1], "1101000100010000000000000000000005000001")]
#[case::ppr_at_boot_without_the_capability("soft-ppr", SOFT_PPR, &[1, 0, 2], "")]
#[case::ppr_reserved_mode("soft-ppr", SOFT_PPR, &[2, 0, 0], "")]
#[case::sparing_by_itself_without_the_capability("row-sparing", ROW, &[1, 0], "")]
#[case::sparing_as_it_was("row-sparing", ROW, &[0, 0], "11000000000201000000000000000000000400")]
fn a_known_feature_is_written_by_its_own_layout(
    mut firmware: Firmware,
    #[case] name: &str,
    #[case] uuid: Uuid,
    #[case] data: &[u8],
    #[case] expected: &str,
) {
    let before = value(&firmware, name, Selection::Current);
    let code = set(&mut firmware, uuid, FULL, 0, 1, data);
    let after = value(&firmware, name, Selection::Current);
    if expected.is_empty() {
        assert_eq!((code, after), (ReturnCode::INVALID_INPUT, before));
    } else {
        assert_eq!((code, after), (ReturnCode::SUCCESS, expected.parse::<Bytes>().unwrap().0));
    }
}

#[rstest]
fn a_scrub_cycle_that_is_not_changeable_stays() {
    let mut firmware = Firmware::new(&parse(&PROFILE.replace("010c0201", "000c0201")));
    assert_eq!(set(&mut firmware, SCRUB, FULL, 0, 1, &[24, 1]), ReturnCode::INVALID_INPUT);
    assert_eq!(set(&mut firmware, SCRUB, FULL, 0, 1, &[12, 0]), ReturnCode::SUCCESS);
}

#[rstest]
fn part_of_a_known_features_data_may_be_written(mut firmware: Firmware) {
    assert_eq!(set(&mut firmware, SCRUB, FULL, 1, 1, &[0]), ReturnCode::SUCCESS);
    assert_eq!(value(&firmware, "patrol-scrub", Selection::Current), [1, 12, 2, 0]);
}

/// Class, subclass, parameters.
#[rstest]
#[case::soft_ppr(&[1, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0], ReturnCode::SUCCESS)]
#[case::ppr_query(&[1, 0, 1, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0], ReturnCode::SUCCESS)]
#[case::ppr_beyond_the_media(&[1, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0], ReturnCode::INVALID_PHYSICAL_ADDRESS)]
#[case::ppr_reserved_flag(&[1, 0, 2, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0], ReturnCode::INVALID_INPUT)]
#[case::ppr_too_short(&[1, 0, 0], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::hard_ppr_is_not_there(&[1, 1, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0], ReturnCode::INVALID_INPUT)]
#[case::row_sparing(&[2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], ReturnCode::SUCCESS)]
#[case::hard_row_sparing(&[2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], ReturnCode::INVALID_INPUT)]
#[case::rank_sparing_is_not_there(&[2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], ReturnCode::INVALID_INPUT)]
#[case::nothing(&[], ReturnCode::INVALID_PAYLOAD_LENGTH)]
fn maintenance_is_performed_for_the_repair_features_there_are(
    mut firmware: Firmware,
    #[case] input: &[u8],
    #[case] code: ReturnCode,
) {
    assert_eq!(firmware.command(0x0600, input), code.into());
}

fn cel(firmware: &mut Firmware) -> Vec<u16> {
    let logs = firmware.command(0x0400, &[]).output;
    assert_eq!(logs[0], 1);
    let size = u32::from_le_bytes(logs[24..28].try_into().unwrap());
    let request = [&logs[8..24], &[0; 4], &size.to_le_bytes()].concat();
    let log = firmware.command(0x0401, &request).output;
    log.chunks(4).map(|row| u16::from_le_bytes([row[0], row[1]])).collect()
}

#[rstest]
#[case::what_there_is("", &[0x100, 0x101, 0x300, 0x301, 0x400, 0x401, 0x500, 0x501, 0x502, 0x600, 0x4000, 0x4100, 0x4200])]
#[case::read_only(
    r#""cel": { "without": ["set-feature", "perform-maintenance"] },"#,
    &[0x100, 0x101, 0x300, 0x301, 0x400, 0x401, 0x500, 0x501, 0x4000, 0x4100, 0x4200]
)]
#[case::exactly(
    r#""cel": { "rows": [{ "opcode": "get-supported-logs", "effects": [] }, { "opcode": "get-log", "effects": [] },
        { "opcode": "get-feature", "effects": [] }, { "opcode": "get-feature", "effects": [] }] },"#,
    &[0x400, 0x401, 0x501, 0x501]
)]
fn the_cel_is_what_is_answered(#[case] field: &str, #[case] opcodes: &[u16]) {
    let text = PROFILE.replace(r#""features": ["#, &format!("{field} \"features\": ["));
    let mut firmware = Firmware::new(&parse(&text));
    assert_eq!(cel(&mut firmware), opcodes);
    let unsupported = Answer::from(ReturnCode::UNSUPPORTED);
    for opcode in [0x0102, 0x0200, 0x0500, 0x0502, 0x0600, 0x4000, 0x4400, 0xc000] {
        let answered = firmware.command(opcode, &[]) != unsupported;
        assert_eq!(answered, opcodes.contains(&opcode), "{opcode:#x}");
    }
}

#[rstest]
fn without_features_there_is_no_features_command() {
    let text = format!("{}\"features\": [] }}", PROFILE.split(r#""features""#).next().unwrap());
    let mut firmware = Firmware::new(&parse(&text));
    assert!(cel(&mut firmware).iter().all(|opcode| opcode >> 8 != 5 && opcode >> 8 != 6));
}

#[rstest]
#[case::logs_with_input(0x0400, &[0], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::log_too_short(0x0401, &[0; 23], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::log_unknown(0x0401, &[0; 24], ReturnCode::INVALID_LOG)]
#[case::identify_with_input(0x4000, &[0], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::list_too_short(0x0500, &[0; 7], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::get_too_long(0x0501, &[0; 22], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::set_too_short(0x0502, &[0; 31], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::time_too_short(0x0301, &[0; 7], ReturnCode::INVALID_PAYLOAD_LENGTH)]
#[case::events_of_no_log(0x0100, &[5], ReturnCode::INVALID_INPUT)]
#[case::clear_all(0x0101, &[0, 1, 0, 0, 0, 0], ReturnCode::SUCCESS)]
#[case::clear_unknown(0x0101, &[0, 0, 1, 0, 0, 0, 7, 0], ReturnCode::INVALID_HANDLE)]
fn a_malformed_command_is_refused_by_its_code(
    mut firmware: Firmware,
    #[case] opcode: u16,
    #[case] input: &[u8],
    #[case] code: ReturnCode,
) {
    assert_eq!(firmware.command(opcode, input).code, code);
}

/// Lengths as the kernel's structures have them (drivers/cxl/cxlmem.h).
#[rstest]
#[case::logs(0x0400, &[], 28)]
#[case::events(0x0100, &[0], 32)]
#[case::identify(0x4000, &[], 0x45)]
#[case::partitions(0x4100, &[], 32)]
#[case::health(0x4200, &[], 0x12)]
#[case::timestamp(0x0300, &[], 8)]
fn an_answer_has_the_length_that_the_specification_gives_it(
    mut firmware: Firmware,
    #[case] opcode: u16,
    #[case] input: &[u8],
    #[case] len: usize,
) {
    let answer = firmware.command(opcode, input);
    assert_eq!((answer.code, answer.output.len()), (ReturnCode::SUCCESS, len));
}

#[rstest]
fn no_other_partition_waits_for_a_reset(mut firmware: Firmware) {
    assert_eq!(firmware.command(0x4100, &[]).output[16..], [0; 16]);
}

#[rstest]
fn the_clock_keeps_what_it_is_given(mut firmware: Firmware) {
    firmware.command(0x0301, &[1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(firmware.command(0x0300, &[]).output, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[rstest]
fn the_firmware_changes_what_no_set_feature_may(mut firmware: Firmware) {
    firmware.features.change("fixed", Selection::Current, 0, &[8]).unwrap();
    assert_eq!(get(&mut firmware, FIXED, 0, 1, 0), Answer::output([8]));
}

#[rstest]
#[case::no_such_feature("fan", Selection::Current, 0, 1, ValueError::NoFeature { name: "fan".into() })]
#[case::default("knob", Selection::Default, 0, 1, ValueError::Default { name: "knob".into() })]
#[case::beyond("knob", Selection::Saved, 2, 3, ValueError::Beyond { name: "knob".into(), size: 4, offset: 2, len: 3 })]
#[case::far_beyond("knob", Selection::Current, usize::MAX, 2, ValueError::Beyond { name: "knob".into(), size: 4, offset: usize::MAX, len: 2 })]
fn a_change_that_cannot_be_is_refused(
    mut firmware: Firmware,
    #[case] name: &str,
    #[case] selection: Selection,
    #[case] offset: usize,
    #[case] len: usize,
    #[case] why: ValueError,
) {
    assert_eq!(firmware.features.change(name, selection, offset, &vec![1; len]), Err(why));
}
