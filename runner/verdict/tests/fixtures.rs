//! Every rule is fired by a fixture of its name, and fires in no fixture that does not say so.
//!
//! A fixture is a small session, what is accepted of it, what is seen, and the findings that come of
//! it: all of them, by rule, step and field. `RULE.json` is the plain case of a rule. What lies in
//! `near` is at the edge of one: it has to be called by the rule that it names and by no other. What
//! lies in `harmless` gives no finding.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use scrubjay_session::observation::{Aside, Observation, Seen};
use scrubjay_session::{Field, Performance, Transcript, file};
use scrubjay_verdict::golden::{Alternative, fingerprint};
use scrubjay_verdict::judge::judge;
use scrubjay_verdict::{Expectation, Library, Rule};
use scrubjay_wire::LogLine;
use serde::Deserialize;
use serde_json::{Value, json};

/// One fixture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// What happens in it, in one line.
    what: String,
    /// The session's devices; one where left out.
    #[serde(default = "one_device")]
    devices: Vec<String>,
    /// The session's steps.
    steps: Vec<Value>,
    /// The session's coherent groups.
    #[serde(default)]
    coherent: Vec<Vec<String>>,
    /// What is accepted of a step; that it works where left out.
    #[serde(default)]
    accepted: BTreeMap<String, Observation>,
    /// What is accepted of a step as well.
    #[serde(default)]
    also: BTreeMap<String, Observation>,
    /// What the change `c`, a fix of 7.2 and of 7.1.4, makes of a step.
    #[serde(default)]
    changes: BTreeMap<String, Vec<Alternative>>,
    /// What is seen of a step; what is accepted where left out.
    #[serde(default)]
    seen: BTreeMap<String, Observation>,
    /// Lines of the kernel's that belong to no step.
    #[serde(default)]
    unattributed: Vec<LogLine>,
    /// What the kernel calls itself; a place in the history has one that is a release.
    #[serde(default = "before_the_change")]
    release: String,
    /// Whether fixes of the kernel's own series are required.
    #[serde(default)]
    require_fixes: bool,
    /// The evidence that the kernel has no fwctl.
    absent: Option<String>,
    /// What has to be found, and nothing else.
    findings: Vec<Expected>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    rule: String,
    /// Empty for the kernel as a whole.
    step: String,
    field: Option<Field>,
}

fn one_device() -> Vec<String> {
    vec!["d".to_owned()]
}

fn before_the_change() -> String {
    "7.1".to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let fixture: Fixture = file::read(path).unwrap_or_else(|e| panic!("{e}"));
        let steps: BTreeSet<_> = fixture.steps.iter().filter_map(|step| step["id"].as_str()).collect();
        let named = fixture.accepted.keys().chain(fixture.seen.keys()).chain(fixture.changes.keys());
        for id in named.chain(fixture.also.keys()) {
            assert!(steps.contains(id.as_str()), "{}: there is no step `{id}`", path.display());
        }
        assert!(!fixture.what.trim().is_empty(), "{}: say what happens in it", path.display());
        fixture
    }

    fn accepted(&self, step: &str) -> Observation {
        let works = || Observation { errno: "ok".into(), ..Observation::default() };
        self.accepted.get(step).cloned().unwrap_or_else(works)
    }

    /// The findings that come of it.
    fn found(&self) -> Vec<Expected> {
        let dir = tempfile::tempdir().unwrap();
        let vectors = dir.path().join("vectors");
        let write = |path: &str, value: Value| {
            let path = vectors.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value.to_string()).unwrap();
        };
        for (id, serial) in [("d", "0x1"), ("e", "0x2")] {
            write(
                &format!("devices/{id}.json"),
                json!({"format": "scrubjay.device/1", "id": id, "title": "t", "serial": serial,
                    "attach": "pcie", "until": "memdev", "features": [
                        {"name": "power-cap", "uuid": "986985cc-9052-5f09-9b91-12e7e1be9a6e", "get-size": 8,
                         "set-size": 8, "flags": ["changeable"], "current": "00*8"},
                        {"name": "patrol-scrub", "get-size": 4, "set-size": 2, "flags": ["changeable"],
                         "current": "010c0101"}]}),
            );
        }
        write(
            "promises/p.json",
            json!({"format": "scrubjay.promises/1", "area": "P", "title": "t", "promises": [
                {"id": "P01", "statement": "s", "class": "documented", "source": "x"}]}),
        );
        write(
            "changes/c.json",
            json!({"format": "scrubjay.change/2", "id": "c", "title": "t", "no-commit": "made for a test",
                "mainline": {"release": "7.2", "known-by": "list"},
                "introduced": {"release": "6.15", "known-by": "list"},
                "series": [{"series": "7.1", "lacks-to": {"release": "7.1.3", "known-by": "list"},
                    "has-from": {"release": "7.1.4", "known-by": "list"}}],
                "reason": "r", "reference": "x", "promise": "P01", "first-seen": "7.2"}),
        );
        write(
            "sessions/s.json",
            json!({"format": "scrubjay.session/1", "id": "s", "title": "t", "devices": self.devices,
                "command_line": "pcie_ports=native", "promise": "P01", "steps": self.steps, "coherent": self.coherent}),
        );
        fs::create_dir_all(vectors.join("goldens")).unwrap();
        let load = || Library::load(dir.path()).unwrap_or_else(|e| panic!("{e}"));
        let session = load().sessions.get("s").unwrap().clone();
        let golden = |id: &str| {
            let mut base = vec![self.accepted(id)];
            base.extend(self.also.get(id).cloned());
            json!({"id": id, "base": base, "changes": self.changes.get(id).cloned().unwrap_or_default()})
        };
        let steps: Vec<_> = session.steps.iter().map(|step| golden(&step.id)).collect();
        write(
            "goldens/s.json",
            json!({"format": "scrubjay.golden/1", "session": "s", "of": fingerprint(&session),
                "recorded": "7.1", "steps": steps}),
        );
        let mut transcript = Transcript::new("s");
        for step in &session.steps {
            let observation = self.seen.get(&step.id).cloned().unwrap_or_else(|| self.accepted(&step.id));
            transcript.steps.push(Seen { id: step.id.clone(), observation, aside: Aside::default() });
        }
        transcript.unattributed.clone_from(&self.unattributed);
        let outcomes = BTreeMap::from([("s".to_owned(), Performance::Performed(Box::new(transcript)))]);
        let (release, require_fixes) = (self.release.parse().ok(), self.require_fixes);
        let expectation = Expectation { release, require_fixes, ..Expectation::default() };
        let library = load();
        let absent = self.absent.as_deref();
        let verdict = judge("k", &self.release, absent, &outcomes, &expectation, &library.books());
        let found = verdict.all_findings().map(|finding| Expected {
            rule: finding.rule.clone(),
            step: finding.step.clone(),
            field: finding.field,
        });
        sorted(found.collect())
    }
}

fn sorted(mut findings: Vec<Expected>) -> Vec<Expected> {
    findings.sort();
    findings
}

#[rstest]
fn a_fixture_gives_the_findings_that_it_names_and_no_other(
    #[files("tests/fixtures/**/*.json")] path: PathBuf,
) {
    let fixture = Fixture::read(&path);
    let found = fixture.found();
    assert_eq!(found, sorted(fixture.findings), "{}: {}", path.display(), fixture.what);
}

/// What is wrong with a set of fixtures: pairs of a path without `.json` below the directory of
/// fixtures, and the rules that fire in it.
fn unfit(rules: &[&str], fixtures: &[(&str, Vec<&str>)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for rule in rules {
        match fixtures.iter().find(|(path, _)| path == rule) {
            None => wrong.push(format!("rule `{rule}` has no fixture; write tests/fixtures/{rule}.json")),
            Some((_, fired)) if fired.as_slice() != [*rule] => {
                wrong.push(format!("{rule}.json has to give one finding, by `{rule}`"));
            }
            Some(_) => {}
        }
    }
    for (path, fired) in fixtures {
        match path.split_once('/') {
            Some(("harmless", _)) if !fired.is_empty() => wrong.push(format!("{path}.json is not harmless")),
            Some(("near", _)) if fired.is_empty() => wrong.push(format!("{path}.json fires nothing")),
            Some(("harmless" | "near", _)) => {}
            None if rules.contains(path) => {}
            _ => wrong.push(format!("{path}.json is the fixture of no rule")),
        }
        let unknown = fired.iter().filter(|rule| !rules.contains(rule));
        wrong.extend(unknown.map(|rule| format!("{path}.json names `{rule}`, which is no rule")));
    }
    wrong
}

#[test]
fn every_rule_has_its_fixture_and_every_fixture_its_rule() {
    let mut fixtures = Vec::new();
    for path in file::json_below(&root()).unwrap() {
        let below = path.strip_prefix(root()).unwrap().with_extension("").to_string_lossy().into_owned();
        let fired: Vec<_> = Fixture::read(&path).findings.into_iter().map(|found| found.rule).collect();
        fixtures.push((below, fired));
    }
    let fixtures: Vec<_> = fixtures
        .iter()
        .map(|(path, fired)| (path.as_str(), fired.iter().map(String::as_str).collect()))
        .collect();
    let rules: Vec<_> = Rule::all().map(|rule| rule.id.as_str()).collect();
    assert_eq!(unfit(&rules, &fixtures), Vec::<String>::new());
}

#[rstest]
#[case::all_is_well(vec![("a", vec!["a"]), ("b", vec!["b"]), ("near/c", vec!["a", "b"]), ("harmless/d", vec![])], "")]
#[case::no_fixture(vec![("a", vec!["a"])], "rule `b` has no fixture")]
#[case::no_rule(vec![("a", vec!["a"]), ("b", vec!["b"]), ("c", vec![])], "c.json is the fixture of no rule")]
#[case::not_fired(vec![("a", vec!["b"]), ("b", vec!["b"])], "a.json has to give one finding, by `a`")]
#[case::fired_with_another(vec![("a", vec!["a", "b"]), ("b", vec!["b"])], "a.json has to give one finding")]
#[case::unknown_rule(vec![("a", vec!["a"]), ("b", vec!["b"]), ("near/c", vec!["z"])], "names `z`, which is no rule")]
#[case::harmful(vec![("a", vec!["a"]), ("b", vec!["b"]), ("harmless/c", vec!["a"])], "harmless/c.json is not harmless")]
#[case::near_nothing(vec![("a", vec!["a"]), ("b", vec!["b"]), ("near/c", vec![])], "near/c.json fires nothing")]
#[case::elsewhere(vec![("a", vec!["a"]), ("b", vec!["b"]), ("other/a", vec!["a"])], "other/a.json is the fixture of no rule")]
fn an_orphan_is_told(#[case] fixtures: Vec<(&str, Vec<&str>)>, #[case] says: &str) {
    let wrong = unfit(&["a", "b"], &fixtures);
    match says {
        "" => assert_eq!(wrong, Vec::<String>::new()),
        says => assert!(wrong.len() == 1 && wrong[0].contains(says), "{wrong:?}"),
    }
}
