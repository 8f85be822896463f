//! Several reports of one run, runs that were kept, shards and two runs compared: without a guest.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Root, Said, read, run, scrubjay, source};

/// A run with every outcome, as the reports' tests keep it.
fn mixed() -> PathBuf {
    source().join("reports/tests/expected/mixed.run.json")
}

/// A check that reads everything and has no QEMU: it ends with 3 where nothing else is wrong.
fn check(root: &Root, arguments: &[&str]) -> Said {
    let mut command = root.scrubjay(&["check", "-s", "info-*"]);
    command.args(arguments).arg("--kernel-cache").arg(root.image("7.3.4")).env("SCRUBJAY_QEMU", "/bin/false");
    run(command.env("XDG_CACHE_HOME", root.path().join("home")))
}

fn report(path: &Path, arguments: &[&str]) -> Said {
    run(scrubjay(&["report"]).arg(path).args(arguments))
}

/// A run that was kept, with something in it changed.
fn kept(dir: &Path, name: &str, change: impl FnOnce(&mut Value)) -> PathBuf {
    let mut run = read(&mixed());
    change(&mut run);
    let path = dir.join(name);
    fs::write(&path, run.to_string()).unwrap();
    path
}

#[test]
fn every_format_goes_to_its_file_and_standard_output_has_the_text() {
    let root = Root::new();
    let types = [
        "terminal",
        "ktap",
        "json",
        "html",
        "list",
        "markdown",
        "junit",
        "sarif",
        "gitlab-code-quality",
        "github-annotations",
        "github-summary",
        "kcidb",
    ];
    let asked: Vec<_> =
        types.iter().flat_map(|name| ["-f".to_owned(), format!("{name}:{}", file(&root, name))]).collect();
    let ran = check(&root, &asked.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ran.status, 3, "{}", ran.err);
    assert!(ran.out.contains("exit status 3"), "{}", ran.out);
    for name in types {
        assert!(!fs::read_to_string(file(&root, name)).unwrap().is_empty(), "{name}");
    }
    assert_eq!(read(Path::new(&file(&root, "json")))["exit_status"], 3);
}

fn file(root: &Root, name: &str) -> String {
    root.path().join("out").join(name).display().to_string()
}

#[rstest]
#[case::two_on_standard_output(&["-f", "ktap", "-f", "json"], "ktap and json both go to standard output")]
#[case::two_in_a_file(&["-f", "ktap:a", "-f", "json:a"], "ktap and json both go to a; name two files")]
#[case::no_such_type(&["-f", "xml:a"], "gitlab-code-quality")]
#[case::no_file(&["-f", "json:"], "`json:` names no file")]
#[case::no_shard(&["--shard", "5/4"], "`5/4` is not a shard; write it as 2/4")]
#[case::a_shard_of_what_has_no_goldens(&["--shard", "1/4", "--against", "7.3"], "cannot be used with")]
#[case::a_shard_without_a_session(&["--shard", "99/99"], "shard 99/99 has no session: ")]
fn what_cannot_be_meant_is_refused_with_2(#[case] arguments: &[&str], #[case] said: &str) {
    let ran = check(&Root::new(), arguments);
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(said) && ran.out.is_empty(), "{}", ran.err);
}

#[rstest]
fn a_full_disk_under_one_report_costs_no_other(
    #[values("json", "junit", "sarif", "kcidb", "html")] lost: &str,
) {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let full = format!("{lost}:/dev/full");
    for (format, ends) in [("junit", "</testsuites>"), ("json", "}"), ("html", "</html>")] {
        let asked = format!("{format}:{}", whole.display());
        let ran = report(&mixed(), &["-f", &full, "-f", &asked]);
        // A break stays one.
        assert_eq!(ran.status, 1, "{}", ran.err);
        assert!(ran.err.contains("a report could not be written: /dev/full: "), "{}", ran.err);
        assert!(ran.out.contains("a report could not be written"), "{}", ran.out);
        assert!(fs::read_to_string(&whole).unwrap().trim_end().ends_with(ends), "{format}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_any_report_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let good = format!("json:{}", dir.path().join("good").display());
    let ran = report(&mixed(), &["-f", &good, "-f", &format!("junit:{}", dir.path().display())]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("name a file in it") && ran.out.is_empty(), "{}", ran.err);
    assert!(!dir.path().join("good").exists());
}

#[test]
fn a_kept_run_is_kept_again_byte_for_byte() {
    let ran = report(&mixed(), &["--format", "json"]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert_eq!(ran.out, fs::read_to_string(mixed()).unwrap());
}

#[test]
fn a_kept_run_ends_as_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let cut = kept(dir.path(), "cut.json", |run| {
        run["complete"] = false.into();
        run["exit_status"] = 130.into();
    });
    let ran = report(&cut, &[]);
    assert_eq!(ran.status, 130, "{}", ran.err);
    assert!(ran.out.contains("the run was cut short"), "{}", ran.out);
}

#[rstest]
#[case::half_written(|text: &str| text[..text.len() / 2].to_owned(), "it ends in the middle")]
#[case::another_version(|text: &str| text.replace("scrubjay.run/1", "scrubjay.run/7"), "`scrubjay.run/7` is not")]
#[case::another_tool(|_: &str| "{\"version\": \"2.1.0\"}".to_owned(), "no run of scrubjay")]
#[case::a_field_more(|text: &str| text.replacen("\"complete\"", "\"more\": 1, \"complete\"", 1), "unknown field `more`")]
#[case::no_shard(|text: &str| text.replacen("\"sessions\"", "\"shard\": \"9/4\", \"sessions\"", 1), "write it as 2/4")]
fn a_file_that_is_no_run_is_refused_with_2(#[case] spoil: fn(&str) -> String, #[case] said: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.json");
    fs::write(&path, spoil(&fs::read_to_string(mixed()).unwrap())).unwrap();
    let both = [report(&path, &[]), run(scrubjay(&["diff"]).arg(mixed()).arg(&path))];
    for ran in both {
        assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(said) && ran.err.contains("run.json") && ran.out.is_empty(), "{}", ran.err);
    }
}

#[test]
fn a_whole_run_is_no_shard() {
    let ran = run(scrubjay(&["report", "merge"]).arg(mixed()).args(["-f", "ktap"]));
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("a whole run, and no shard of one") && ran.out.is_empty(), "{}", ran.err);
}

#[test]
fn a_shard_that_is_missing_is_no_pass() {
    let dir = tempfile::tempdir().unwrap();
    let shard = kept(dir.path(), "shard.json", |run| run["asked"]["shard"] = "1/3".into());
    let ran = run(scrubjay(&["report", "merge"]).arg(shard));
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("of 3 shards these are missing: 2/3, 3/3"), "{}", ran.err);
}

#[test]
fn two_runs_are_held_against_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let without = kept(dir.path(), "before.json", |run| {
        let sessions = run["kernels"][0]["verdict"]["sessions"].as_array_mut().unwrap();
        sessions[2]["findings"] = json!([]);
    });
    let ran = run(scrubjay(&["diff"]).args([&without, &mixed()]));
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert!(ran.out.contains("  new  break  set-blocked in set-by-scope"), "{}", ran.out);
    let ran = run(scrubjay(&["diff"]).args([&mixed(), &without]));
    // It has errors of its own, so it is no pass either.
    assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("  gone break  set-blocked in set-by-scope"), "{}", ran.out);
}

/// A policy of the user's own, beside what else is in a directory.
fn policy(dir: &Path, rule: &str, severity: &str) -> String {
    let path = dir.join("our-gate.toml");
    let lines = format!("[[weigh]]\nrule = \"{rule}\"\nseverity = \"{severity}\"\nreason = \"we know\"\n");
    fs::write(&path, format!("format = \"scrubjay.policy/1\"\nextends = \"exempt\"\n{lines}")).unwrap();
    path.display().to_string()
}

fn judge(path: &Path, arguments: &[&str]) -> Said {
    run(scrubjay(&["judge"]).arg(path).args(arguments))
}

/// A run with one break, which is none under `exempt`.
fn refused_set(dir: &Path) -> PathBuf {
    kept(dir, "run.json", |run| {
        let kernels = run["kernels"].as_array_mut().unwrap();
        kernels.truncate(1);
        kernels[0]["verdict"]["findings"] = json!([]);
        let sessions = kernels[0]["verdict"]["sessions"].as_array_mut().unwrap();
        sessions
            .retain(|session| ["info-basic", "set-by-scope"].contains(&session["session"].as_str().unwrap()));
        let finding = &mut sessions[1]["findings"][0];
        (finding["severity"]["exempt"], finding["repeat"]) = ("warn".into(), json!({"seen": 2, "of": 2}));
        run["asked"]["kernels"] = json!(["7.1"]);
        run["asked"]["sessions"] = json!(["info-basic", "set-by-scope"]);
        run["notes"] = json!([]);
        run["waivers"] = json!([]);
    })
}

#[test]
fn a_kept_run_is_judged_again_by_another_policy_and_ends_as_that_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = refused_set(dir.path());
    let frozen = judge(&path, &[]);
    assert_eq!(frozen.status, 1, "{}{}", frozen.out, frozen.err);
    assert!(frozen.out.contains("1 cause breaks frozen"), "{}", frozen.out);
    let again = dir.path().join("again.json");
    let exempt = judge(&path, &["--policy", "exempt", "-f", &format!("json:{}", again.display())]);
    assert_eq!(exempt.status, 0, "{}{}", exempt.out, exempt.err);
    let note = "judged again: policy exempt decides, where frozen did";
    assert!(exempt.out.contains(note), "{}", exempt.out);
    assert_eq!((&read(&again)["policy"], &read(&again)["exit_status"]), (&json!("exempt"), &json!(0)));
    // What is kept of it is a run like any other.
    assert_eq!(report(&again, &[]).status, 0);
}

#[test]
fn a_policy_of_ones_own_is_named_where_a_report_says_which_decides() {
    let dir = tempfile::tempdir().unwrap();
    let path = refused_set(dir.path());
    let own = policy(dir.path(), "set-blocked", "break");
    for format in ["terminal", "ktap", "json", "html", "list", "junit", "sarif", "github-summary", "kcidb"] {
        let ran = judge(&path, &["--policy", &own, "-f", format]);
        assert_eq!(ran.status, 1, "{format}: {}", ran.err);
        assert!(ran.out.contains("our-gate"), "{format}: {}", ran.out);
    }
    let ran = judge(&path, &["--policy", &own]);
    assert!(
        ran.out.contains("weighs    exempt warn, footgun break, frozen break, our-gate break"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("policy our-gate is exempt, but rule set-blocked weighs break: we know"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("1 cause breaks our-gate"), "{}", ran.out);
}

#[rstest]
#[case::a_policy(&["--policy", "lenient"], "possible values: exempt, footgun, frozen")]
#[case::no_file(&["--policy", "no/such.toml"], "no/such.toml: ")]
#[case::waivers(&["--waivers", "no/such.toml"], "no/such.toml: ")]
fn what_a_run_cannot_be_judged_by_is_refused_with_2(#[case] arguments: &[&str], #[case] said: &str) {
    for ran in [judge(&mixed(), arguments), check(&Root::new(), arguments)] {
        assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(said) && ran.out.is_empty(), "{}", ran.err);
    }
}

#[test]
fn a_rule_that_there_is_not_is_refused_with_file_line_and_place() {
    let dir = tempfile::tempdir().unwrap();
    let own = policy(dir.path(), "set-bloked", "break");
    let ran = judge(&mixed(), &["--policy", &own]);
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    let said = format!("{own}:4: at `weigh[0].rule`: there is no rule `set-bloked`");
    assert!(ran.err.contains(&said) && ran.out.is_empty(), "{}", ran.err);
}
