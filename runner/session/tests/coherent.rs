//! Coherent groups: steps that have to agree have to be able to disagree.

use std::path::Path;

use rstest::rstest;
use scrubjay_session::{Session, file};
use serde_json::{Value, json};

fn session(coherent: &Value) -> Result<(), String> {
    let read = |id: &str, anchor: &str| json!({"id": id, "do": {"read": {"anchor": anchor, "path": "x"}}});
    let get = |id: &str| json!({"id": id, "do": {"get-feature": {"feature": "patrol-scrub", "count": 4}}});
    let write =
        |id: &str| json!({"id": id, "do": {"write": {"at": {"anchor": "edac", "path": "x"}, "text": "1"}}});
    let text = json!({"format": "scrubjay.session/1", "id": "s", "title": "t", "devices": ["d"],
        "promise": "P01", "coherent": coherent, "steps": [
            {"id": "open", "do": {"open": {}}}, read("edac-first", "edac"), get("fwctl-first"), write("write"), read("edac", "edac"), get("fwctl"),
            read("class", "fwctl"), write("again"), get("fwctl-again"),
            {"id": "race", "do": {"parallel": {"branches": [{"name": "a", "steps": [get("in-a-branch")]}]}}}]});
    let path = Path::new("s.json");
    let session: Session = file::parse(path, &text.to_string()).map_err(|e| e.to_string())?;
    session.check(path).map_err(|e| e.to_string())
}

#[test]
fn steps_that_read_one_written_state_belong_together() {
    assert_eq!(session(&json!([["edac", "fwctl"]])), Ok(()));
}

#[rstest]
#[case::no_such_step(json!(["edac", "nobody"]), "no step `nobody`")]
#[case::in_a_branch(json!(["edac", "in-a-branch"]), "no step `in-a-branch` outside of branches")]
#[case::no_reading(json!(["edac", "write", "fwctl"]), "`write` reads neither")]
#[case::another_file(json!(["class", "fwctl"]), "`class` reads neither")]
#[case::one_interface(json!(["edac"]), "one of the steps reads an EDAC attribute and another a Feature")]
#[case::nobody(json!([]), "one of the steps reads an EDAC attribute and another a Feature")]
#[case::nothing_written(json!(["edac-first", "fwctl-first"]), "nothing is written before")]
#[case::two_states(json!(["edac", "fwctl-again"]), "`again` writes between")]
fn steps_that_cannot_disagree_are_refused(#[case] group: Value, #[case] says: &str) {
    let error = session(&json!([["edac", "fwctl"], group])).unwrap_err();
    assert!(error.starts_with("s.json: at `coherent[1]`: ") && error.contains(says), "{error}");
}
