//! What a device profile may say, and how a bad one is refused.

use std::path::Path;

use rstest::rstest;
use scrubjay_session::FileError;
use scrubjay_session::cxl::profile::{Cel, Play, Profile, Profiles};
use scrubjay_uapi::cxl::{KnownFeature, ReturnCode, Selection};

const GOOD: &str = r#"{
  "format": "scrubjay.device/1",
  "id": "good",
  "title": "one vendor Feature, one of the kernel's",
  "serial": "0x51",
  "attach": "cxl-endpoint",
  "until": "endpoint",
  "features": [
    { "name": "telemetry", "uuid": "11111111-2222-3333-4444-555555555555",
      "get-size": 8, "set-size": 4,
      "flags": ["changeable", "default-selection"], "effects": ["immediate-configuration-change"],
      "current": "01 02 03 04 05 06 07 08",
      "default": "00*8",
      "writable": "ff ff 00 00" },
    { "name": "patrol-scrub", "get-size": 4, "set-size": 2, "flags": ["changeable"],
      "current": "01 0c 01 00" }
  ],
  "faults": [
    { "on": { "opcode": "set-feature", "feature": "telemetry", "times": 1 }, "play": { "return-code": "busy" } },
    { "on": { "opcode": "0xc000" }, "play": "doorbell-stuck" }
  ]
}
"#;

fn parse(text: &str) -> Result<Profile, FileError> {
    Profile::parse(text, Path::new("devices/good.json"))
}

#[rstest]
fn a_profile_is_read_with_its_defaults() {
    let profile = parse(GOOD).unwrap();
    assert_eq!(profile.serial.0, 0x51);
    assert_eq!(profile.mailbox_payload, 4096);
    assert_eq!(profile.cel, None);
    let telemetry = profile.feature("telemetry").unwrap();
    assert_eq!(telemetry.value(Selection::Default), [0; 8]);
    assert_eq!(telemetry.value(Selection::Saved), &*telemetry.current);
    let entry = telemetry.entry(3);
    assert_eq!((entry.id.get(), entry.get_feat_size.get(), entry.set_feat_size.get()), (3, 8, 4));
    assert_eq!((entry.get_feat_ver, entry.set_feat_ver), (1, 1));
    let scrub = profile.feature("patrol-scrub").unwrap();
    assert_eq!(scrub.uuid(), KnownFeature::PatrolScrub.uuid());
    assert_eq!(profile.faults[0].play, Play::ReturnCode(ReturnCode::BUSY));
    assert_eq!(profile.faults[1].on.opcode.unwrap().0, 0xc000);
}

#[rstest]
fn a_profile_reads_back_as_it_was_written() {
    let profile = parse(GOOD).unwrap();
    assert_eq!(parse(&serde_json::to_string(&profile).unwrap()).unwrap(), profile);
}

#[rstest]
#[case::truth("", 4096, 4096)]
#[case::less(r#""mailbox-payload-claimed": 128, "#, 4096, 128)]
#[case::more(r#""mailbox-payload": 256, "mailbox-payload-claimed": 2097152, "#, 256, 2097152)]
fn a_mailbox_may_claim_another_payload(#[case] fields: &str, #[case] has: u32, #[case] claims: u32) {
    let profile = parse(&GOOD.replace(r#""until""#, &format!(r#"{fields}"until""#))).unwrap();
    assert_eq!((profile.mailbox_payload, profile.claimed_payload()), (has, claims));
}

#[rstest]
fn an_entry_may_lie_where_the_profile_says_so() {
    let lying = GOOD.replace(
        r#""current": "01 0c"#,
        r#""entry": { "get-size": 9, "effects": "0xf000" }, "current": "01 0c"#,
    );
    let entry = parse(&lying).unwrap().feature("patrol-scrub").unwrap().entry(1);
    assert_eq!((entry.get_feat_size.get(), entry.set_feat_size.get(), entry.effects().0), (9, 2, 0xf000));
}

#[rstest]
fn commands_may_be_left_out_of_the_cel() {
    let profile =
        parse(&GOOD.replace(r#""until""#, r#""cel": { "without": ["get-health-info"] }, "until""#)).unwrap();
    let Some(Cel::Without(list)) = profile.cel else { panic!() };
    assert_eq!(list[0].0, 0x4200);
}

/// Each: what is replaced by what, then line, place and a word of the reason.
#[rstest]
#[case::unknown_field(r#""title""#, r#""titel""#, 4, "", "titel")]
#[case::unknown_field_of_a_feature(
    r#""get-size": 8"#,
    r#""size": 8"#,
    10,
    "features[0]",
    "unknown field `size`"
)]
#[case::unknown_flag(r#""changeable", "def"#, r#""changable", "def"#, 11, "features[0].flags", "changable")]
#[case::unknown_code(r#""busy""#, r#""bussy""#, 19, "faults[0].play", "bussy")]
#[case::unknown_opcode(
    r#""set-feature", "f"#,
    r#""setfeature", "f"#,
    19,
    "faults[0].on.opcode",
    "setfeature"
)]
#[case::bad_bytes(r#""01 0c 01 00""#, r#""010""#, 16, "features[1].current", "010")]
#[case::trailing("]\n}\n", "]\n}\n}\n", 23, "", "trailing")]
#[case::format("device/1", "device/9", 2, "format", "device/9")]
#[case::id(r#""id": "good""#, r#""id": "bad""#, 3, "id", "stem")]
#[case::no_serial("0x51", "0x0", 5, "serial", "0")]
#[case::gone(r#""until": "endpoint""#, r#""until": "gone""#, 7, "until", "gone")]
#[case::endpoint_on_pcie("cxl-endpoint", "pcie", 7, "until", "cxl-endpoint")]
#[case::payload(r#""until""#, r#""mailbox-payload": 300, "until""#, 7, "mailbox-payload", "300")]
#[case::claimed_payload(
    r#""until""#,
    r#""mailbox-payload-claimed": 100, "until""#,
    7,
    "mailbox-payload-claimed",
    "100"
)]
#[case::capacity(r#""until""#, r#""capacity-mib": 100, "until""#, 7, "capacity-mib", "100")]
#[case::firmware(
    r#""until""#,
    r#""firmware-version": "12345678901234567", "until""#,
    7,
    "firmware-version",
    "16"
)]
#[case::value_longer_than_size(
    r#""01 02 03 04 05 06 07 08""#,
    r#""00*9""#,
    12,
    "features[0].current",
    "9 bytes"
)]
#[case::default_too_short(r#""00*8""#, r#""00""#, 13, "features[0].default", "1 bytes")]
#[case::default_without_selection(
    r#", "default-selection""#,
    "",
    13,
    "features[0].default",
    "default-selection"
)]
#[case::mask_of_another_size(r#""ff ff 00 00""#, r#""ff""#, 14, "features[0].writable", "1 bytes")]
#[case::set_beyond_get(r#""set-size": 4"#, r#""set-size": 9"#, 10, "features[0].set-size", "9")]
#[case::set_size_of_unchangeable(r#""changeable", "def"#, r#""def"#, 10, "features[0].set-size", "lack")]
#[case::no_uuid(r#""uuid": "11111111-2222-3333-4444-555555555555","#, "", 9, "features[0].name", "telemetry")]
#[case::kernels_name_other_uuid(r#""telemetry", "u"#, r#""ecs", "u"#, 9, "features[0].uuid", "e5b13f22")]
#[case::kernels_size(r#""get-size": 4"#, r#""get-size": 5"#, 15, "features[1].get-size", "4 bytes")]
#[case::same_name(r#""patrol-scrub""#, r#""telemetry""#, 15, "features[1].name", "telemetry")]
#[case::kernels_uuid_other_size(
    "11111111-2222-3333-4444-555555555555",
    "96dad7d6-fde8-482b-a733-75774e06db8a",
    10,
    "features[0].get-size",
    "4 bytes"
)]
#[case::fault_of_no_feature(
    r#""feature": "telemetry""#,
    r#""feature": "fan""#,
    19,
    "faults[0].on.feature",
    "fan"
)]
#[case::fault_never(r#""times": 1"#, r#""times": 0"#, 19, "faults[0].on.times", "0 times")]
#[case::long_delay(
    r#"{ "return-code": "busy" }"#,
    r#"{ "delay-ms": 10001 }"#,
    19,
    "faults[0].play",
    "10,000"
)]
fn a_bad_profile_is_refused_with_file_line_and_place(
    #[case] what: &str,
    #[case] by: &str,
    #[case] line: usize,
    #[case] place: &str,
    #[case] why: &str,
) {
    assert!(GOOD.contains(what));
    let error = parse(&GOOD.replacen(what, by, 1)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("devices/good.json"), "{text}");
    assert!(text.contains(why), "{text}");
    assert!(text.contains(place), "{text}");
    assert!(text.starts_with(&format!("devices/good.json:{line}:")), "{text}");
}

#[rstest]
fn a_stock_device_has_no_features_of_ours() {
    let error = parse(&GOOD.replace("cxl-endpoint", "qemu-cxl-type3")).unwrap_err().to_string();
    assert!(error.contains("features") && error.contains("stock QEMU"), "{error}");
}

#[rstest]
fn two_profiles_of_a_directory_cannot_share_a_serial_number() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("good.json"), GOOD).unwrap();
    std::fs::write(dir.path().join("other.json"), GOOD.replace(r#""id": "good""#, r#""id": "other""#))
        .unwrap();
    let error = Profiles::load_dir(dir.path()).unwrap_err().to_string();
    assert!(error.contains("other.json") && error.contains("`good`"), "{error}");
}

#[rstest]
fn an_unknown_profile_is_answered_with_the_known_ones() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("good.json"), GOOD).unwrap();
    let profiles = Profiles::load_dir(dir.path()).unwrap();
    assert_eq!(profiles.iter().len(), 1);
    let error = profiles.get("god").unwrap_err().to_string();
    assert!(error.contains("`god`") && error.contains("good"), "{error}");
}

#[rstest]
fn the_json_schema_knows_every_field_of_a_profile() {
    let schema = schemars::schema_for!(Profile);
    let properties = schema.get("properties").unwrap().as_object().unwrap();
    let written: serde_json::Value = serde_json::from_str(GOOD).unwrap();
    for field in written.as_object().unwrap().keys() {
        assert!(properties.contains_key(field), "{field}");
    }
    assert_eq!(schema.get("additionalProperties"), Some(&false.into()));
}
