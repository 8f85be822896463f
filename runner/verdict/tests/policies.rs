//! Policies of the user's own: what is read, and what is refused with file, line and place.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod world;

use std::fs;
use std::path::Path;

use rstest::rstest;
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_verdict::policy::own::Line;
use scrubjay_verdict::{Class, OwnPolicy, Policy, PolicyError, Promises, Severity};
use serde_json::json;

use crate::world::{World, errno, set};

const GATE: &str = r#"format = "scrubjay.policy/1"
extends = "footgun"

[[weigh]]
rule = "errno-changed"
severity = "note"
reason = "our tools look at success alone"

[[weigh]]
class = "incidental"
promise = "H06"
severity = "break"
reason = "our scripts rely on it"
"#;

/// Reads a policy from a file of this name.
fn load(name: &str, text: &str) -> Result<OwnPolicy, PolicyError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let promises = Promises::load(&vectors.join("promises")).unwrap();
    OwnPolicy::load(&path, &promises, &Profiles::load_dir(&vectors.join("devices")).unwrap())
}

/// By name, by UUID, and another one than the step sets.
#[rstest]
#[case("patrol-scrub", Severity::Note)]
#[case("96dad7d6-fde8-482b-a733-75774e06db8a", Severity::Note)]
#[case("ecs", Severity::Break)]
fn a_line_about_a_feature_is_about_the_steps_that_set_it(#[case] word: &str, #[case] expected: Severity) {
    let text = GATE.replacen("rule = \"errno-changed\"", &format!("feature = \"{word}\""), 1);
    let own = load("our-gate.toml", &text.replacen("footgun", "frozen", 1)).unwrap();
    let verdict = World::new(set(), json!({"errno": "ok"}), None).judge(errno("EPERM"), "7.1");
    let mut findings: Vec<_> = verdict.all_findings().cloned().collect();
    own.weigh(&mut findings);
    let weighs: Vec<_> = findings.iter().map(|f| (f.rule.as_str(), f.severity.under(own.policy()))).collect();
    assert_eq!(weighs, [("set-blocked", expected)]);
}

#[test]
fn a_policy_says_what_weighs_otherwise_and_has_the_name_of_its_file() {
    let own = load("our-gate.toml", GATE).unwrap();
    assert_eq!((own.policy().name(), own.extends), ("our-gate", Policy::Footgun));
    assert_eq!(own.policy().argument(), "our-gate.toml");
    let line = Line {
        rule: None,
        promise: Some("H06".to_owned()),
        class: Some(Class::Incidental),
        feature: None,
        severity: Severity::Break,
        reason: "our scripts rely on it".to_owned(),
    };
    assert_eq!(own.weigh[1], line);
    assert_eq!(
        own.told(),
        [
            "policy our-gate is footgun, but rule errno-changed weighs note: our tools look at success alone",
            "policy our-gate is footgun, but promise H06, class incidental weighs break: our scripts rely on it"
        ]
    );
    // As a run that is kept has it.
    let kept = serde_json::to_value(&own).unwrap();
    assert_eq!(kept["name"], "our-gate");
    assert_eq!(serde_json::from_value::<OwnPolicy>(kept).unwrap(), own);
}

#[rstest]
#[case::another_form(
    "policy/1",
    "policy/2",
    ":1: at `format`: `scrubjay.policy/2` is not `scrubjay.policy/1`"
)]
#[case::extends_nothing("extends = \"footgun\"\n", "", ":1: missing field `extends`")]
#[case::extends_another("\"footgun\"", "\"lenient\"", ":2: at `extends`: unknown variant `lenient`")]
#[case::no_such_rule(
    "errno-changed",
    "errno-chagned",
    ":5: at `weigh[0].rule`: there is no rule `errno-chagned`"
)]
#[case::what_no_rule_names("errno-changed", "unclassified", ":5: at `weigh[0].rule`: what no rule names")]
#[case::no_such_promise("H06", "Q99", ":11: at `weigh[1].promise`: there is no promise `Q99`")]
#[case::no_such_class("\"incidental\"", "\"casual\"", ":10: at `weigh[1].class`: unknown variant `casual`")]
#[case::no_such_severity("\"note\"", "\"none\"", ":6: at `weigh[0].severity`: unknown variant `none`")]
#[case::a_field_more(
    "rule = \"errno",
    "device = \"x\"\nrule = \"errno",
    ":5: at `weigh[0].device`: unknown field `device`"
)]
#[case::no_such_feature(
    "rule = \"errno-changed\"",
    "feature = \"patrol-scurb\"",
    ":5: at `weigh[0].feature`: no Feature `patrol-scurb`; there are: patrol-scrub, ecs"
)]
#[case::a_feature_of_no_device(
    "rule = \"errno-changed\"",
    "feature = \"00000000-0000-4000-8000-000000000001\"",
    ":5: at `weigh[0].feature`: no device profile has the Feature 0000"
)]
#[case::no_severity("severity = \"note\"\n", "", ":4: at `weigh[0]`: missing field `severity`")]
#[case::no_reason("our tools look at success alone", " ", ":7: at `weigh[0].reason`: say why")]
#[case::about_everything(
    "rule = \"errno-changed\"\n",
    "",
    ":4: at `weigh[0]`: name a rule, a promise, a class or a Feature"
)]
#[case::twice(
    "class = \"incidental\"\npromise = \"H06\"",
    "rule = \"errno-changed\"",
    ":9: at `weigh[1]`: weigh[0] is about the same"
)]
#[case::no_toml("[[weigh]]", "[[weigh", ":4: ")]
fn what_is_wrong_is_refused_with_its_place(#[case] what: &str, #[case] with: &str, #[case] said: &str) {
    let text = GATE.replacen(what, with, 1);
    assert_ne!(text, GATE);
    let why = load("our-gate.toml", &text).unwrap_err().to_string();
    assert!(why.contains(&format!("our-gate.toml{said}")), "{why}");
}

#[test]
fn one_that_says_nothing_is_one_of_the_three() {
    let (head, _) = GATE.split_once("\n[[").unwrap();
    let why = load("our-gate.toml", head).unwrap_err().to_string();
    assert!(why.contains(":2: at `extends`: no [[weigh]]: it is `footgun`, write --policy footgun"), "{why}");
}

#[rstest]
#[case::one_of_the_three("frozen.toml", "`frozen` is the name of one of the three")]
#[case::no_word("Our Gate.toml", "not made of small letters")]
fn a_file_whose_name_is_no_name_of_a_policy_is_refused(#[case] name: &str, #[case] said: &str) {
    let why = load(name, GATE).unwrap_err().to_string();
    assert!(why.contains(said) && why.contains(&format!("{name}:1: ")), "{why}");
}
