//! What `ci/new` lays out for a rule, a session and a profile: refused for what a person still has to say, and for nothing
//! else; accepted once that is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_session::{Step, file};
use scrubjay_verdict::{Library, rule};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

/// A copy of what `ci/new` needs of the project, after it was run there.
fn laid_out(needs: &[&str], kind: &str, name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("vectors/sessions")).unwrap();
    for path in ["ci/new", "ci/templates"].iter().chain(needs) {
        copy(&root().join(path), &dir.path().join(path));
    }
    let done = new(dir.path(), kind, name);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    dir
}

fn new(dir: &Path, kind: &str, name: &str) -> std::process::Output {
    Command::new(dir.join("ci/new")).args([kind, name]).output().unwrap()
}

/// Replaces a text of a file by another.
fn fill(path: &Path, empty: &str, said: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(empty), "{} has no `{empty}`", path.display());
    fs::write(path, text.replace(empty, said)).unwrap();
}

#[test]
fn a_rule_is_refused_until_every_text_says_something() {
    let dir = laid_out(&[], "rule", "get-new");
    let path = dir.path().join("runner/verdict/rules/get-new.toml");
    let read = || rule::read(&[("get-new", &fs::read_to_string(&path).unwrap())]);
    assert_eq!(read().unwrap_err().why, "title says nothing; a rule gives its reasons");
    fill(&path, "title = \"\"", "title = \"a new thing\"");
    for key in ["user", "firmware", "example", "reference", "exempt", "footgun", "frozen"] {
        assert!(read().unwrap_err().why.contains(key), "{key}: {}", read().unwrap_err());
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("\"\"\"\n\"\"\"", "\"\"\"\nsaid\n\"\"\"", 1)).unwrap();
    }
    assert_eq!(read().unwrap()["get-new"].title, "a new thing");
}

#[test]
fn a_rules_fixtures_are_sessions_and_the_plain_one_names_it() {
    let dir = laid_out(&[], "rule", "get-new");
    let fixtures = dir.path().join("runner/verdict/tests/fixtures");
    for (name, rule) in [("get-new", "get-new"), ("near/not-get-new", "get-blocked")] {
        let fixture: Value = file::read(&fixtures.join(format!("{name}.json"))).unwrap();
        let steps: Vec<Step> = serde_json::from_value(fixture["steps"].clone()).unwrap();
        assert_eq!(fixture["findings"][0]["step"], steps[1].id, "{name}");
        assert_eq!(fixture["findings"][0]["rule"], rule, "{name}");
    }
}

#[test]
fn a_session_is_refused_until_it_names_its_promise() {
    let needs = ["vectors/devices", "vectors/promises", "vectors/changes"];
    let dir = laid_out(&needs, "session", "info/info-new");
    fs::create_dir_all(dir.path().join("vectors/goldens")).unwrap();
    let path = dir.path().join("vectors/sessions/info/info-new.json");
    let refused = || Library::load(dir.path()).err().map(|e| e.to_string()).unwrap_or_default();
    fill(&path, "\"title\": \"\"", "\"title\": \"what it pins\"");
    assert!(refused().contains("there is no promise ``"), "{}", refused());
    fill(&path, "\"promise\": \"\"", "\"promise\": \"C05\"");
    let library = Library::load(dir.path()).unwrap();
    assert_eq!(library.sessions.get("info-new").unwrap().steps.len(), 2);
}

#[test]
fn a_profile_is_refused_until_it_has_a_title_and_has_a_serial_number_of_its_own() {
    let dir = laid_out(&["vectors/devices"], "profile", "new-one");
    let devices = dir.path().join("vectors/devices");
    let error = Profiles::load_dir(&devices).unwrap_err().to_string();
    assert!(error.contains("new-one.json") && error.contains("a title is needed"), "{error}");
    fill(&devices.join("new-one.json"), "\"title\": \"\"", "\"title\": \"one more\"");
    assert!(Profiles::load_dir(&devices).unwrap().get("new-one").is_ok());
}

#[rstest]
#[case::no_id("rule", "Get_New", "is no id")]
#[case::outside("session", "../x", "is no AREA/ID")]
#[case::no_area("session", "info-new", "is no AREA/ID")]
#[case::there("rule", "get-new", "is there already")]
#[case::no_kind("kernel", "x", "ci/new rule ID")]
fn what_cannot_be_laid_out_is_refused(#[case] kind: &str, #[case] name: &str, #[case] why: &str) {
    let dir = laid_out(&[], "rule", "get-new");
    let refused = new(dir.path(), kind, name);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains(why), "{said}");
}
