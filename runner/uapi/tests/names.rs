//! Names stand for numbers, both ways, in Rust and in JSON.

use rstest::rstest;
use scrubjay_uapi::cxl::feature::WireUuid;
use scrubjay_uapi::cxl::{Effects, FeatureFlags, KnownFeature, MemdevCommand, Opcode, ReturnCode};
use scrubjay_uapi::cxl::{Selection, Transfer};
use scrubjay_uapi::{DeviceType, Scope};
use serde::Serialize;

fn json(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap()
}

#[rstest]
fn the_json_name_of_every_enum_is_its_name() {
    for scope in Scope::ALL {
        assert_eq!(json(scope), format!("\"{}\"", scope.name()));
        assert_eq!(Scope::from_number(scope.number()), Some(scope));
    }
    for selection in Selection::ALL {
        assert_eq!(json(selection), format!("\"{}\"", selection.name()));
        assert_eq!(Selection::from_number(selection.number()), Some(selection));
    }
    for transfer in Transfer::ALL {
        assert_eq!(json(transfer), format!("\"{}\"", transfer.name()));
        assert_eq!(Transfer::from_number(transfer.number()), Some(transfer));
    }
    for kind in DeviceType::ALL {
        assert_eq!(json(kind), format!("\"{}\"", kind.name()));
        assert_eq!(DeviceType::from_number(kind as u32), Some(kind));
    }
    for &opcode in Opcode::ALL {
        assert_eq!(Opcode::from_name(opcode.name()), Some(opcode));
        assert_eq!(json(opcode), format!("\"{}\"", opcode.name()));
        assert_eq!(Opcode::from_number(opcode.number()), Some(opcode));
    }
    for feature in KnownFeature::ALL {
        assert_eq!(json(feature), format!("\"{}\"", feature.name()));
        assert_eq!(KnownFeature::from_name(feature.name()), Some(feature));
        assert_eq!(KnownFeature::from_uuid(feature.uuid()), Some(feature));
    }
}

/// The first four bytes of each, as `UUID_INIT` lays them out: most significant first.
#[rstest]
#[case(KnownFeature::PatrolScrub, [0x96, 0xda, 0xd7, 0xd6])]
#[case(KnownFeature::Ecs, [0xe5, 0xb1, 0x3f, 0x22])]
#[case(KnownFeature::SoftPpr, [0x89, 0x2b, 0xa4, 0x75])]
#[case(KnownFeature::HardPpr, [0x80, 0xea, 0x45, 0x21])]
#[case(KnownFeature::CachelineSparing, [0x96, 0xc3, 0x33, 0x86])]
#[case(KnownFeature::RowSparing, [0x45, 0x0e, 0xbf, 0x67])]
#[case(KnownFeature::BankSparing, [0x78, 0xb7, 0x96, 0x36])]
#[case(KnownFeature::RankSparing, [0x34, 0xdb, 0xaf, 0xf5])]
fn a_uuid_goes_over_the_wire_as_it_reads(#[case] feature: KnownFeature, #[case] head: [u8; 4]) {
    assert_eq!(WireUuid::from(feature.uuid()).0[..4], head);
}

#[rstest]
#[case::none(0, &[])]
#[case::changeable(0x1, &["changeable"])]
#[case::cxl_test_mock(0x61, &["changeable", "default-selection", "saved-selection"])]
#[case::warm_reset(0x6, &["persists-over-warm-reset"])]
#[case::reserved_persistence(0xa, &["bit-1", "bit-3"])]
#[case::cold_and_firmware(0x18, &["persists-over-cold-reset", "persists-over-firmware-update"])]
#[case::beyond(0x8000_0080, &["bit-7", "bit-31"])]
fn feature_flags_read_by_name_and_back(#[case] bits: u32, #[case] names: &[&str]) {
    assert_eq!(FeatureFlags(bits).names(), names);
    assert_eq!(serde_json::from_str::<FeatureFlags>(&json(FeatureFlags(bits))).unwrap(), FeatureFlags(bits));
}

#[rstest]
#[case::none(0, &[])]
#[case::cxl_test_mock(0x201, &["configuration-change-cold-reset", "effects-valid"])]
#[case::immediate(0x2, &["immediate-configuration-change"])]
#[case::background(0xc0, &["background", "background-abort-supported"])]
#[case::resets(0xc00, &["configuration-change-conventional-reset", "configuration-change-cxl-reset"])]
#[case::reserved(0x9100, &["bit-8", "bit-12", "bit-15"])]
fn effects_read_by_name_and_back(#[case] bits: u16, #[case] names: &[&str]) {
    assert_eq!(Effects(bits).names(), names);
    assert_eq!(serde_json::from_str::<Effects>(&json(Effects(bits))).unwrap(), Effects(bits));
}

#[rstest]
#[case::unknown("warm")]
#[case::too_wide("bit-16")]
#[case::no_number("bit-x")]
fn a_name_that_is_no_effect_is_refused_with_the_names_that_are(#[case] name: &str) {
    let why = Effects::parse(name).unwrap_err();
    assert!(why.contains(name) && why.contains("immediate-data-change"), "{why}");
}

#[rstest]
#[case::twice(r#"["changeable", "changeable"]"#)]
#[case::two_persistences(r#"["persists-over-hot-reset", "persists-over-warm-reset"]"#)]
#[case::bit_of_a_field(r#"["persists-over-hot-reset", "bit-1"]"#)]
fn names_that_contradict_each_other_are_refused(#[case] list: &str) {
    assert!(serde_json::from_str::<FeatureFlags>(list).is_err());
}

#[rstest]
#[case(0, "success")]
#[case(1, "background-command-started")]
#[case(2, "invalid-input")]
#[case(3, "unsupported")]
#[case(4, "internal-error")]
#[case(5, "retry-required")]
#[case(6, "busy")]
#[case(0x0f, "invalid-physical-address")]
#[case(0x10, "inject-poison-limit-reached")]
#[case(0x15, "unsupported-mailbox")]
#[case(0x16, "invalid-payload-length")]
#[case(0x17, "invalid-log")]
#[case(0x19, "unsupported-feature-version")]
#[case(0x1a, "unsupported-feature-selection-value")]
#[case(0x1b, "feature-transfer-in-progress")]
#[case(0x1c, "feature-transfer-out-of-order")]
#[case(0x1d, "resources-exhausted")]
#[case(0x1e, "invalid-extent-list")]
#[case(0x1f, "code-31")]
#[case(0xffff, "code-65535")]
fn a_return_code_reads_by_name_and_back(#[case] number: u16, #[case] name: &str) {
    assert_eq!(ReturnCode(number).name(), name);
    assert_eq!(ReturnCode::from_name(name), Some(ReturnCode(number)));
}

#[rstest]
fn no_return_code_has_a_name_that_is_none() {
    assert_eq!(ReturnCode::from_name("code-65536"), None);
    assert_eq!(ReturnCode::from_name("succes"), None);
}

#[rstest]
fn a_command_of_the_memdev_has_one_number_and_the_opcode_that_the_mailbox_has_under_that_name() {
    for &command in MemdevCommand::ALL {
        assert_eq!(MemdevCommand::from_number(command as u32), Some(command));
        let named = Opcode::from_name(command.name());
        assert_eq!(named, command.mailbox(), "{}", command.name());
    }
    assert_eq!(MemdevCommand::from_number(0), None);
    assert_eq!(MemdevCommand::from_number(15), None, "deprecated");
    assert_eq!(MemdevCommand::Raw.opcode(), None);
}
