//! `scrubjay review` without a terminal: what it shows, writes and refuses.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::fs;

use rstest::rstest;
use serde_json::json;

use crate::support::{Root, read, run};

/// A golden whose steps are `open`, an INFO and `close`.
const GOLDEN: &str = "goldens/info/info-names-a-cxl-device.json";

const FACTS: [&str; 20] = [
    "--reason",
    "it was wrong",
    "--reference",
    "a thread",
    "--promise",
    "C01",
    "--commit",
    "0123456789ab",
    "--subject",
    "fwctl: refuse it",
    "--mainline",
    "9.10-rc2=list",
    "--introduced",
    "6.15=source",
    "--lacks-to",
    "9.9=sessions",
    "--has-from",
    "9.9.1=sessions",
    "--cve",
    "CVE-2026-10000",
];

const WHY: [&str; 4] = ["--reason", "the promise says so", "--reference", "a thread"];

fn session() -> String {
    GOLDEN.rsplit('/').next().unwrap().trim_end_matches(".json").to_owned()
}

#[test]
fn nothing_waits_in_the_tree_as_it_is_checked_in() {
    let ran = run(&mut Root::new().scrubjay(&["review"]));
    assert_eq!((ran.status, ran.out.as_str()), (0, "nothing waits for review\n"));
}

#[test]
fn a_recording_is_shown_beside_the_golden_and_left_alone() {
    let root = Root::new();
    let pending = root.record(GOLDEN, 1, "EINVAL");
    let (before, golden) = (fs::read(&pending).unwrap(), fs::read(root.vector(GOLDEN)).unwrap());
    let ran = run(&mut root.scrubjay(&["review"]));
    assert_eq!(ran.status, 0, "{}", ran.err);
    for said in
        ["recorded on 9.9.1", ": as the base\n", ": differs in errno (", "    golden  ", " | errno: EINVAL\n"]
    {
        assert!(ran.out.contains(said), "{said:?} is not in\n{}", ran.out);
    }
    assert_eq!((fs::read(&pending).unwrap(), fs::read(root.vector(GOLDEN)).unwrap()), (before, golden));
}

#[test]
fn what_waits_is_listed_with_the_steps_that_differ() {
    let root = Root::new();
    root.record(GOLDEN, 1, "EINVAL");
    let ran = run(&mut root.scrubjay(&["review", "--list"]));
    let step = read(&root.vector(GOLDEN))["steps"][1]["id"].as_str().unwrap().to_owned();
    let line = ran.out.lines().nth(1).unwrap();
    assert!(line.starts_with(&session()) && line.ends_with(&step) && line.contains("9.9.1"), "{}", ran.out);
}

#[test]
fn a_first_recording_becomes_the_golden() {
    let root = Root::new();
    let pending = root.record(GOLDEN, 1, "EINVAL");
    let mut expected = read(&pending);
    fs::remove_file(root.vector(GOLDEN)).unwrap();
    let ran = run(root.scrubjay(&["review", "--accept", "base"]).args(WHY));
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(!pending.exists());
    expected["why"] = json!([{"as": "base", "recorded": "9.9.1", "reason": "the promise says so",
        "reference": "a thread"}]);
    assert_eq!(read(&root.vector(GOLDEN)), expected);
    assert_eq!(run(&mut root.scrubjay(&["sessions", "list"])).status, 0, "the vectors still read");
}

#[test]
fn a_new_change_is_written_with_its_facts_and_explains_the_recording() {
    let root = Root::new();
    let pending = root.record(GOLDEN, 1, "EINVAL");
    let mut command = root.scrubjay(&["review", "--accept", "change:info-refused", &session()]);
    let ran = run(command.args(FACTS));
    assert_eq!(ran.status, 0, "{}", ran.err);
    let change = read(&root.vector("changes/info-refused.json"));
    let said = |release: &str, known: &str| json!({"release": release, "known-by": known});
    assert_eq!(change["commit"], json!({"id": "0123456789ab", "subject": "fwctl: refuse it"}));
    assert_eq!((&change["cve"], &change["first-seen"]), (&json!("CVE-2026-10000"), &json!("9.9.1")));
    assert_eq!(
        (&change["mainline"], &change["introduced"]),
        (&said("9.10-rc2", "list"), &said("6.15", "source"))
    );
    let series = json!([{"series": "9.9", "lacks-to": said("9.9", "sessions"), "has-from": said("9.9.1", "sessions")}]);
    assert_eq!(change["series"], series);
    assert_eq!((&change["title"], &change["reason"]), (&json!("info refused"), &json!("it was wrong")));
    let step = &read(&root.vector(GOLDEN))["steps"][1];
    assert_eq!(step["changes"], json!([{"with": ["info-refused"], "seen": [{"errno": "EINVAL"}]}]));
    assert!(!pending.exists());
    // The same again needs no facts, and changes nothing.
    root.record(GOLDEN, 1, "EINVAL");
    let ran = run(&mut root.scrubjay(&["review", "--accept", "change:info-refused"]));
    assert!(
        ran.status == 0 && ran.out.contains("explained by the golden as it is"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(&read(&root.vector(GOLDEN))["steps"][1], step);
    assert_eq!(run(&mut root.scrubjay(&["sessions", "list"])).status, 0, "the vectors still read");
}

#[test]
fn one_more_allowed_value_is_added_to_the_base() {
    let root = Root::new();
    root.record(GOLDEN, 1, "EINTR");
    assert_eq!(run(root.scrubjay(&["review", "--accept", "also"]).args(WHY)).status, 0);
    let golden = read(&root.vector(GOLDEN));
    let base = &golden["steps"][1]["base"];
    assert_eq!((base.as_array().unwrap().len(), &base[1]), (2, &json!({"errno": "EINTR"})));
    let step = &golden["steps"][1]["id"];
    assert_eq!(
        golden["why"],
        json!([{"as": "also", "recorded": "9.9.1", "steps": [step],
        "reason": "the promise says so", "reference": "a thread"}])
    );
}

#[test]
fn a_rejected_recording_is_gone_and_the_golden_as_it_was() {
    let root = Root::new();
    let pending = root.record(GOLDEN, 1, "EINVAL");
    let golden = fs::read(root.vector(GOLDEN)).unwrap();
    assert_eq!(run(&mut root.scrubjay(&["review", "--reject"])).status, 0);
    assert!(!pending.exists());
    assert_eq!(fs::read(root.vector(GOLDEN)).unwrap(), golden);
}

#[rstest]
#[case::without_facts(&["--accept", "change:new"], 
    "it needs --commit or --no-commit, --mainline, --reason, --reference, --promise")]
#[case::without_a_commit(
    &["--accept", "change:new", "--reason", "r", "--reference", "r", "--mainline", "9.9=list", "--promise", "C01"],
    "it needs --commit or --no-commit")]
#[case::with_a_commit_that_has_no_subject(&["--accept", "change:new", "--commit", "0123456789ab"], "--subject")]
#[case::known_by_nobody(&["--accept", "change:new", "--mainline", "9.9"], "does not say how it is known")]
#[case::a_series_twice(
    &["--accept", "change:new", "--has-from", "9.8.1=list", "--has-from", "9.8.2=list"], "9.8 is named twice")]
#[case::that_contradicts_itself(
    &["--accept", "change:new", "--reason", "r", "--reference", "r", "--no-commit", "lost", "--mainline", "9.9=list",
        "--promise", "C01", "--has-from", "9.9.1=list"], "9.9 has it from mainline's 9.9")]
#[case::with_a_promise_that_is_none(
    &["--accept", "change:new", "--reason", "r", "--reference", "r", "--no-commit", "lost", "--mainline", "9.9=list",
        "--promise", "Q99"],
    "there is no promise `Q99`")]
#[case::with_a_release_that_is_none(
    &["--accept", "change:new", "--reason", "r", "--reference", "r", "--no-commit", "lost", "--mainline", "soon=list",
        "--promise", "C01"],
    "`soon` is not a release")]
#[case::facts_for_nothing(
    &["--accept", "base", "--reason", "r", "--reference", "r", "--mainline", "9.9=list"], "for one that has no file yet")]
#[case::base_without_a_reason(&["--accept", "base", "--reference", "r"], "base needs --reason and --reference")]
#[case::base_without_a_reference(&["--accept", "base", "--reason", "r"], "base needs --reason and --reference")]
#[case::also_with_an_empty_reason(
    &["--accept", "also", "--reason", " ", "--reference", "r"], "also needs --reason and --reference")]
#[case::two_new_at_once(&["--accept", "change:one+two"], "make one at a time")]
fn what_cannot_be_accepted_so_is_refused_and_nothing_is_written(
    #[case] arguments: &[&str],
    #[case] said: &str,
) {
    let root = Root::new();
    let pending = root.record(GOLDEN, 1, "EINVAL");
    let golden = fs::read(root.vector(GOLDEN)).unwrap();
    let changes = || fs::read_dir(root.vector("changes")).unwrap().count();
    let before = changes();
    let ran = run(root.scrubjay(&["review"]).args(arguments));
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(said), "{}", ran.err);
    assert!(pending.exists() && changes() == before);
    assert_eq!(fs::read(root.vector(GOLDEN)).unwrap(), golden);
}

#[rstest]
#[case(&["review", "--accept", "base", "--reason", "r", "--reference", "r"])]
#[case(&["review", "--reject"])]
#[case(&["record"])]
fn under_ci_nothing_is_written(#[case] arguments: &[&str]) {
    let root = Root::new();
    let pending = root.record(GOLDEN, 1, "EINVAL");
    let golden = fs::read(root.vector(GOLDEN)).unwrap();
    let ran = run(root.scrubjay(arguments).env("CI", "true"));
    assert!(ran.status == 2 && ran.err.contains("CI=true"), "{}{}", ran.out, ran.err);
    assert!(pending.exists());
    assert_eq!(fs::read(root.vector(GOLDEN)).unwrap(), golden);
}

#[test]
fn under_ci_recordings_are_still_shown() {
    let root = Root::new();
    root.record(GOLDEN, 1, "EINVAL");
    let ran = run(root.scrubjay(&["review"]).env("CI", "true"));
    assert!(ran.status == 0 && ran.out.contains("| errno: EINVAL"), "{}{}", ran.out, ran.err);
}
