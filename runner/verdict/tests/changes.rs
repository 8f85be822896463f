//! The form of a change: what is refused, with file, line and place.

use std::fs;

use rstest::rstest;
use scrubjay_verdict::Changes;
use scrubjay_verdict::change::Statement;
use serde_json::{Value, json};

/// A change with everything in it.
fn whole() -> Value {
    let said = |release: &str| json!({"release": release, "known-by": "list"});
    json!({
        "format": "scrubjay.change/2",
        "id": "c",
        "title": "t",
        "commit": {"id": "f687394af983", "subject": "cxl/features: bound it"},
        "cve": "CVE-2026-23327",
        "mainline": said("7.3-rc2"),
        "introduced": said("6.15"),
        "series": [
            {"series": "7.1", "lacks-to": said("7.1.13")},
            {"series": "7.2", "lacks-to": said("7.2.3"), "has-from": said("7.2.4")},
        ],
        "reason": "r",
        "reference": "r",
        "promise": "D05",
        "first-seen": "7.2.12",
    })
}

/// What is said of a change, and on which line, once it has been spoilt.
fn refused(spoil: impl FnOnce(&mut Value)) -> (usize, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.json");
    let mut change = whole();
    spoil(&mut change);
    fs::write(&path, serde_json::to_string_pretty(&change).unwrap()).unwrap();
    let said = Changes::load(dir.path()).expect_err("it is refused").to_string();
    let rest = said.strip_prefix(&format!("{}:", path.display())).expect("the file is named").to_owned();
    let line = rest.split(':').next().unwrap().parse().expect("the line is named");
    (line, rest)
}

/// The line that a whole change has this on, once for each time.
fn lines_with(text: &str) -> Vec<usize> {
    let whole = serde_json::to_string_pretty(&whole()).unwrap();
    let lines = whole.lines().enumerate().filter(|(_, line)| line.contains(text));
    lines.map(|(at, _)| at + 1).collect()
}

#[test]
fn a_whole_change_is_read_and_written_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.json"), whole().to_string()).unwrap();
    let changes = Changes::load(dir.path()).unwrap();
    assert_eq!(serde_json::to_value(changes.get("c").unwrap()).unwrap(), whole());
}

#[rstest]
#[case::no_commit_and_no_reason(|c: &mut Value| drop(c.as_object_mut().unwrap().remove("commit")),
    "at `commit`: a change names its commit, or says why none can be named (no-commit)")]
#[case::both(|c: &mut Value| c["no-commit"] = json!("lost"), "at `no-commit`: it names a commit; take out")]
#[case::an_empty_reason(|c: &mut Value| {
    c.as_object_mut().unwrap().remove("commit");
    c["no-commit"] = json!(" ");
}, "at `no-commit`: say why")]
#[case::a_commit_too_short(|c: &mut Value| c["commit"]["id"] = json!("f687394"), "at `commit.id`: `f687394` is not a commit")]
#[case::a_commit_of_other_letters(|c: &mut Value| c["commit"]["id"] = json!("f687394af98z"), "is not a commit")]
#[case::a_commit_without_subject(|c: &mut Value| c["commit"]["subject"] = json!(""), "at `commit.subject`: write")]
#[case::no_cve(|c: &mut Value| c["cve"] = json!("2026-23327"), "at `cve`: `2026-23327` is not a CVE")]
#[case::a_cve_without_number(|c: &mut Value| c["cve"] = json!("CVE-2026-1"), "is not a CVE")]
#[case::a_point_release_of_mainline(|c: &mut Value| c["mainline"]["release"] = json!("7.3.1"),
    "at `mainline.release`: 7.3.1 is not a tag of mainline")]
#[case::no_release(|c: &mut Value| c["mainline"]["release"] = json!("soon"), "`soon` is not a release; write it as 7.3")]
#[case::a_vendor_s_release(|c: &mut Value| c["series"][1]["has-from"]["release"] = json!("7.2.4-vendor"), "is not a release")]
#[case::mended_before_it_was_broken(|c: &mut Value| c["introduced"]["release"] = json!("7.3-rc2"),
    "at `introduced`: mainline has the bug since 7.3-rc2 and its remedy since 7.3-rc2; the bug comes first")]
#[case::had_and_lacked(|c: &mut Value| c["series"][1]["has-from"]["release"] = json!("7.2.3"),
    "at `series[1].has-from.release`: 7.2.3 has it and 7.2.3 lacks it")]
#[case::had_before_it_was_lacked(|c: &mut Value| c["series"][1]["has-from"]["release"] = json!("7.2.3-rc1"),
    "at `series[1].has-from.release`: 7.2.3-rc1 has it and 7.2.3 lacks it")]
#[case::had_by_mainline_s_own(|c: &mut Value| {
    c["series"][1] = json!({"series": "7.2", "has-from": {"release": "7.2.0", "known-by": "list"}});
}, "at `series[1].has-from.release`: mainline has it since 7.3-rc2 and not since 7.2")]
#[case::no_series(|c: &mut Value| c["series"][0]["series"] = json!("7.1.2"), "`7.1.2` is not a release series; write it as 7.2")]
#[case::a_series_that_has_it(|c: &mut Value| c["series"][0]["series"] = json!("7.3"),
    "at `series[0].series`: 7.3 has it from mainline's 7.3-rc2; take this series out")]
#[case::a_series_twice(|c: &mut Value| c["series"][1]["series"] = json!("7.1"), "at `series[1].series`: 7.1 stands here twice")]
#[case::a_release_of_another_series(|c: &mut Value| c["series"][1]["lacks-to"]["release"] = json!("7.1.3"),
    "at `series[1].lacks-to.release`: 7.1.3 is not a release of 7.2")]
#[case::nothing_said_of_a_series(|c: &mut Value| c["series"][0] = json!({"series": "7.1"}),
    "at `series[0]`: it says nothing of 7.1")]
#[case::known_by_hearsay(|c: &mut Value| c["mainline"]["known-by"] = json!("hearsay"), "unknown variant `hearsay`")]
#[case::known_by_nothing(|c: &mut Value| drop(c["mainline"].as_object_mut().unwrap().remove("known-by")), "missing field `known-by`")]
#[case::an_older_form(|c: &mut Value| c["since"] = json!("7.2"), "unknown field `since`")]
#[case::an_unknown_word_of_a_series(|c: &mut Value| c["series"][0]["has-to"] = json!("7.1.2"), "unknown field `has-to`")]
#[case::no_title(|c: &mut Value| c["title"] = json!(""), "at `title`: ")]
#[case::another_format(|c: &mut Value| c["format"] = json!("scrubjay.change/1"), "at `format`: ")]
fn what_contradicts_itself_is_refused_with_its_place(#[case] spoil: fn(&mut Value), #[case] said: &str) {
    let (line, error) = refused(spoil);
    assert!(line > 0 && error.contains(said), "{error}");
}

#[test]
fn the_line_is_that_of_the_place() {
    let (line, _) = refused(|c| c["series"][1]["has-from"]["release"] = json!("7.2.3"));
    assert_eq!([line], lines_with("7.2.4").as_slice());
    // As the shipped files are written.
    let dir = tempfile::tempdir().unwrap();
    let text = include_str!("../../../vectors/changes/op-size-bounded.json");
    let spoilt = text.replace("\"series\": \"7.2\"", "\"series\": \"seven\"");
    fs::write(dir.path().join("op-size-bounded.json"), &spoilt).unwrap();
    let line = 1 + spoilt.lines().position(|line| line.contains("seven")).unwrap();
    let said = Changes::load(dir.path()).unwrap_err().to_string();
    assert!(said.contains(&format!(".json:{line}:")) && said.contains("`series[6].series`"), "{said}");
}

#[rstest]
#[case("7.2.4=list", true)]
#[case("7.3-rc2=sessions", true)]
#[case("7.2.4", false)]
#[case("7.2.4=hearsay", false)]
#[case("soon=list", false)]
#[case("=list", false)]
fn a_statement_is_a_release_and_how_it_is_known(#[case] text: &str, #[case] is: bool) {
    assert_eq!(text.parse::<Statement>().is_ok(), is);
}

#[test]
fn a_bug_from_before_fwctl_makes_no_series_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut change = whole();
    change["introduced"] = json!({"release": "5.12", "known-by": "source"});
    fs::write(dir.path().join("c.json"), change.to_string()).unwrap();
    let changes = Changes::load(dir.path()).unwrap();
    let series: Vec<_> = changes.series().iter().map(ToString::to_string).collect();
    assert!(!series.contains(&"5.12".to_owned()) && !series.is_empty(), "{series:?}");
}
