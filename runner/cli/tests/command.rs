//! The command from outside: what it prints, what it refuses, how it ends.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::support::{Root, read, run, scrubjay, source};

/// Of a session that opens a device in the plainest way.
const GOLDEN: &str = "goldens/info/info-names-a-cxl-device.json";

#[rstest]
#[case::no_subcommand(&[], "Usage:")]
#[case::unknown_flag(&["check", "--polcy", "frozen"], "--policy")]
#[case::unknown_policy(&["check", "--policy", "lenient"], "possible values: exempt, footgun, frozen")]
#[case::three_vcpus(&["check", "--vcpus", "3"], "1, 2 or 4")]
#[case::unknown_kernel(&["check", "--kernel", "9.9"], "no kernel `9.9`")]
#[case::a_file_that_is_no_kernel(&["check", "--kernel", "./Cargo.toml"], "not a kernel image: ./Cargo.toml")]
#[case::no_tree(&["check", "--kernel", "tree:docs"], "tree:docs: docs is no kernel tree: it has no Makefile")]
#[case::a_range_backwards(&["check", "--kernel", "7.3..7.1"], "7.3 comes after 7.1; write 7.1..7.3")]
#[case::against_many(&["check", "--against", "7.1..7.3"], "3 kernels, where one is wanted")]
#[case::no_baseline(&["check", "--baseline", "7.3-none"], "no kernel `7.3-none`")]
#[case::no_such_file(&["check", "--kernel", "no/such/bzImage"], "no/such/bzImage")]
#[case::unknown_session(&["check", "--session", "get-valeu"], "no session `get-valeu`")]
#[case::no_such_kernel_cache(&["check", "--kernel-cache", "no/such"], "no/such: no such directory")]
#[case::root_without_vectors(&["sessions", "list", "--root", "docs"], "--root: docs: there is no vectors/ in it")]
#[case::no_such_package(&["compare-packages", "no/such.deb", "7.3"], "no/such.deb: there is no file no/such.deb")]
#[case::unknown_rule(&["explain", "set-bloked"], "no rule `set-bloked`; there is")]
#[case::unknown_promise(&["promises", "Q99"], "no promise `Q99`")]
#[case::unknown_change(&["changes", "none"], "no change `none`; there are: features-denied-on-raw-path")]
#[case::unknown_profile(&["devices", "show", "none"], "no device profile `none`")]
#[case::unknown_shell(&["completions", "cmd"], "possible values")]
#[case::unknown_acceptance(&["review", "--accept", "golden"], "base, also, or change:ID")]
#[case::nothing_to_try(&["what-if"], "nothing to try; name a Feature in --block or --unblock")]
#[case::unknown_feature(&["what-if", "--block", "patrol-scurb"], "no Feature `patrol-scurb`; there are: patrol-scrub, ecs")]
#[case::a_feature_of_no_device(
    &["what-if", "--block", "00000000-0000-4000-8000-000000000001"],
    "no device profile has the Feature 00000000-0000-4000-8000-000000000001"
)]
#[case::blocked_and_let_through(&["what-if", "--block", "ecs", "--unblock", "ecs"], "the Feature ecs cannot be blocked and")]
#[case::no_such_patch(&["what-if", "--patch", "no/such.cocci"], "--patch: no/such.cocci: no such file")]
#[case::a_gate_without_a_head(&["gate", "--tree", ".", "--base", "HEAD"], "--head <REV>")]
#[case::a_gate_with_two_heads(
    &["gate", "--tree", ".", "--base", "HEAD", "--head", "HEAD", "--series", "s"],
    "cannot be used with"
)]
#[case::a_gate_of_no_tree(
    &["gate", "--tree", "no/such", "--base", "HEAD", "--head", "HEAD"],
    "git:no/such@HEAD: no/such is no directory"
)]
#[case::a_bisection_for_nothing(&["bisect", "-k", "7.1..7.3"], "--session <ID>")]
#[case::a_bisection_of_nothing(&["bisect", "-s", "info-flags"], "--kernel <KERNEL>")]
#[case::a_bisection_without_an_end(&["bisect", "--tree", ".", "--good", "HEAD", "-s", "info-flags"], "--bad <REV>")]
#[case::a_bisection_of_one_kernel(&["bisect", "-k", "7.3", "-s", "info-flags"], "name two or more, the oldest first")]
#[case::a_bisection_for_many_sessions(
    &["bisect", "-k", "7.1..7.3", "-s", "info-*"],
    "--session: 8 sessions, where one is wanted"
)]
#[case::a_bisection_of_no_tree(
    &["bisect", "--tree", "no/such", "--good", "HEAD", "--bad", "HEAD", "-s", "info-flags"],
    "git:no/such@HEAD: no/such is no directory"
)]
#[case::both_decisions(&["review", "--accept", "base", "--reject"], "cannot be used with")]
fn wrong_usage_is_refused_with_2(#[case] arguments: &[&str], #[case] said: &str) {
    // Nothing waits in the tree as it is checked in, so a decision is made on a root of its own.
    let root = Root::new();
    let mut command = scrubjay(arguments);
    if arguments.first() == Some(&"review") {
        root.record(GOLDEN, 0, "EIO");
        command = root.scrubjay(arguments);
    }
    let ran = run(&mut command);
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(said), "{}", ran.err);
}

/// A mail with a patch.
const MAIL: &str = "From: a\nSubject: [PATCH] one\n\nwords\n---\n a | 2 +-\n\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n\
                    @@ -1 +1 @@\n-a\n+b\n";

#[rstest]
#[case::no_room_for_a_moment("TMPDIR", "cannot keep the patches of ")]
#[case::no_git("PATH", "there is no git; run ci/setup, or install it")]
fn what_stands_in_a_series_way_is_not_told_of_the_series(#[case] variable: &str, #[case] said: &str) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("one.patch"), MAIL).unwrap();
    let word = format!("7.3+{}", dir.path().join("one.patch").display());
    let nowhere = dir.path().join("nowhere");
    let ran = run(scrubjay(&["check", "--kernel", &word]).env(variable, nowhere));
    assert_eq!(ran.status, 3, "{}", ran.err);
    assert!(ran.err.contains(said) && !ran.err.contains("does not apply"), "{}", ran.err);
}

fn git(dir: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
    let mut git = std::process::Command::new("git");
    let ran = git.arg("-C").arg(dir).args(identity).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A repository that is taken for one of the kernel, with two commits that differ in words.
fn repository(dir: &Path) -> PathBuf {
    let repo = dir.join("linux");
    for (name, text) in [
        ("Makefile", "VERSION = 7\nPATCHLEVEL = 3\n"),
        ("Kconfig", ""),
        ("arch/x86/Makefile", ""),
        ("Documentation/a.rst", "one\n"),
    ] {
        fs::create_dir_all(repo.join(name).parent().unwrap()).unwrap();
        fs::write(repo.join(name), text).unwrap();
    }
    git(&repo, &["init", "-q"]);
    git(&repo, &["add", "."]);
    git(&repo, &["commit", "-qm", "one"]);
    fs::write(repo.join("Documentation/a.rst"), "two\n").unwrap();
    git(&repo, &["commit", "-qam", "two"]);
    repo
}

fn gate(dir: &Path, repo: &Path, rest: &[&str]) -> support::Said {
    let mut command = scrubjay(&["gate", "--base", "HEAD~1", "--tree"]);
    run(command.arg(repo).args(rest).env("XDG_CACHE_HOME", dir.join("cache")))
}

#[test]
fn a_change_of_words_alone_is_let_through_and_nothing_is_built() {
    let dir = tempfile::tempdir().unwrap();
    let repo = repository(dir.path());
    git(&repo, &["format-patch", "-q", "-o..", "HEAD~1"]);
    let report = dir.path().join("run.json");
    let [series, format] =
        ["0001-two.patch", "run.json"].map(|name| dir.path().join(name).display().to_string());
    for head in [["--head", "HEAD"], ["--series", &series]] {
        let ran = gate(dir.path(), &repo, &[&head[..], &["-f", &format!("json:{format}")]].concat());
        assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("nothing that a kernel is built from is different"), "{}", ran.out);
        assert_eq!(read(&report)["against"], format!("git:{}@HEAD~1", repo.display()));
        fs::remove_file(&report).unwrap();
    }
    assert!(!dir.path().join("cache/scrubjay/kernels").exists());
}

#[rstest]
#[case::a_revision(&["--head", "v9.9"], "no revision `v9.9` in ")]
#[case::a_series(&["--series", "Cargo.toml"], "the series Cargo.toml has no patch in it")]
fn a_head_that_is_not_there_is_refused(#[case] head: &[&str], #[case] said: &str) {
    let dir = tempfile::tempdir().unwrap();
    let repo = repository(dir.path());
    let ran = gate(dir.path(), &repo, head);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains(said), "{}", ran.err);
}

#[rstest]
#[case::an_unknown_field("sessions", "\"title\"", "\"tilte\"", "unknown field `tilte`")]
#[case::an_unknown_step("sessions", "\"open\": {}", "\"opne\": {}", "unknown variant `opne`")]
#[case::not_json("sessions", "{", "[", "expected")]
#[case::a_golden_of_an_older_session("goldens", "\"of\": \"", "\"of\": \"0", "record it again")]
#[case::a_bad_profile("devices", "\"serial\": \"0x", "\"serial\": \"0y", "serial")]
fn a_bad_file_is_named_with_its_place_and_ends_with_2(
    #[case] kind: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] said: &str,
) {
    let root = Root::new();
    let file = match kind {
        "devices" => "devices/vendor.json".to_owned(),
        kind => GOLDEN.replacen("goldens", kind, 1),
    };
    let path = root.vector(&file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let ran = run(&mut root.scrubjay(&["check"]));
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains(&path.display().to_string()) && ran.err.contains(said), "{}", ran.err);
    assert_eq!(ran.out, "", "nothing may look like a result");
}

#[rstest]
#[case::rules(&["rules"], "set-blocked")]
#[case::promises_of_an_area(&["promises", "H"], "H06  documented")]
#[case::devices(&["devices", "list"], "vendor")]
#[case::registers(&["devices", "show", "vendor", "--registers"], "Configuration space")]
#[case::sessions(&["sessions", "list"], "SESSION")]
#[case::sessions_of_a_directory(&["sessions", "list", "info/*"], "info-")]
#[case::kernels(&["kernels", "list"], "7.3")]
#[case::version(&["--version"], "scrubjay 0.")]
#[case::help(&["help", "check"], "--shuffle")]
#[case::exit_statuses_are_in_the_help(&["--help"], "  3  no break, but something could not be tested")]
fn what_there_is_is_listed(#[case] arguments: &[&str], #[case] said: &str) {
    let ran = run(&mut scrubjay(arguments));
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains(said), "{}", ran.out);
}

#[test]
fn every_rule_is_explained() {
    for rule in scrubjay_verdict::Rule::all() {
        let ran = run(&mut scrubjay(&["explain", &rule.id]));
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert!(ran.out.starts_with(&format!("{}: {}\n", rule.id, rule.title)), "{}", ran.out);
    }
}

#[rstest]
#[case("bash")]
#[case("zsh")]
#[case("fish")]
#[case("elvish")]
#[case("powershell")]
fn completions_know_every_subcommand(#[case] shell: &str) {
    let ran = run(&mut scrubjay(&["completions", shell]));
    assert_eq!(ran.status, 0);
    for subcommand in ["check", "record", "review", "kernels", "doctor"] {
        assert!(ran.out.contains(subcommand), "{shell}: {subcommand}");
    }
}

#[test]
fn the_manual_has_a_page_for_every_subcommand() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(scrubjay(&["man", "--dir"]).arg(dir.path()));
    assert_eq!(ran.status, 0, "{}", ran.err);
    for page in
        ["scrubjay", "scrubjay-check", "scrubjay-kernels", "scrubjay-kernels-build", "scrubjay-review"]
    {
        let text = fs::read_to_string(dir.path().join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{page}");
    }
    let whole = run(&mut scrubjay(&["man"])).out;
    assert!(whole.contains("130") && whole.contains("scrubjay\\-check(1)"), "{whole}");
}

#[test]
fn the_schemas_are_up_to_date() {
    let ran = run(&mut scrubjay(&["schema", "--check"]));
    assert_eq!(ran.status, 0, "{}", ran.err);
}

#[test]
fn a_schema_that_is_out_of_date_is_named_and_mended() {
    let root = Root::new();
    let path = root.vector("schema/run.schema.json");
    fs::write(&path, "{}").unwrap();
    let ran = run(&mut root.scrubjay(&["schema", "--check"]));
    assert!(ran.status == 2 && ran.err.contains("run.schema.json"), "{}", ran.err);
    assert_eq!(run(&mut root.scrubjay(&["schema"])).status, 0);
    assert_eq!(read(&path), read(&source().join("vectors/schema/run.schema.json")));
}

#[test]
fn the_root_is_found_upward_and_by_the_environment() {
    let root = Root::new();
    let mut below = scrubjay(&["sessions", "list"]);
    below.current_dir(root.vector("sessions/info"));
    let mut named = scrubjay(&["sessions", "list"]);
    named.current_dir("/").env("SCRUBJAY_ROOT", root.path());
    let mut built_from = scrubjay(&["sessions", "list"]);
    built_from.current_dir("/");
    for command in [&mut below, &mut named, &mut built_from] {
        assert_eq!(run(command).status, 0);
    }
    let mut wrong = scrubjay(&["sessions", "list"]);
    let ran = run(wrong.env("SCRUBJAY_ROOT", "/nowhere"));
    assert!(ran.status == 2 && ran.err.contains("SCRUBJAY_ROOT: /nowhere"), "{}", ran.err);
}

#[test]
fn a_session_that_a_broken_pipe_cuts_off_is_no_panic() {
    let mut command = scrubjay(&["promises"]);
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_run_without_a_usable_qemu_is_never_a_pass() {
    let root = Root::new();
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("run.json");
    let mut command = root.scrubjay(&["check", "--session", "info-*"]);
    command.arg("--format").arg(format!("json:{}", report.display())).env("SCRUBJAY_QEMU", "/bin/false");
    // An image that has a kernel's header, so that QEMU is what is missing.
    command.arg("--kernel-cache").arg(root.image("7.3.4")).env("XDG_CACHE_HOME", dir.path());
    let ran = run(&mut command);
    assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("/bin/false"), "{}", ran.err);
    let run = read(&report);
    assert_eq!((run["complete"].as_bool(), run["exit_status"].as_u64()), (Some(false), Some(3)));
}

#[test]
fn a_page_of_such_a_run_is_not_green_and_has_every_promise() {
    let root = Root::new();
    let dir = tempfile::tempdir().unwrap();
    let mut command = root.scrubjay(&["check", "--session", "info-*", "--format", "html"]);
    command.env("SCRUBJAY_QEMU", "/bin/false").env("XDG_CACHE_HOME", dir.path());
    command.arg("--kernel-cache").arg(root.image("7.3.4"));
    let ran = run(&mut command);
    assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.starts_with("<!DOCTYPE html>") && ran.out.contains("<header class=\"error\">"),
        "{}",
        ran.out
    );
    let promises = scrubjay_verdict::Promises::load(&root.path().join("vectors/promises")).unwrap();
    for promise in promises.iter() {
        assert!(ran.out.contains(&format!("id=\"promise-{}\"", promise.id)), "{}", promise.id);
    }
}

#[test]
fn changes_are_listed_with_commit_and_releases() {
    let ran = run(&mut scrubjay(&["changes"]));
    let line = ran.out.lines().find(|line| line.starts_with("op-size-bounded")).unwrap();
    let words: Vec<_> = line.split_whitespace().take(5).collect();
    assert_eq!(words, ["op-size-bounded", "f687394af983", "7.3", "6.18.50,", "7.2.4"]);
}

#[test]
fn a_change_is_shown_with_how_each_statement_is_known() {
    let ran = run(&mut scrubjay(&["changes", "op-size-bounded"]));
    for said in [
        "f687394af983 cxl/features: bound fwctl command payload to the input buffer\n",
        "  7.3, known by list\n",
        "6.15, known by source\n",
        "7.2.4, known by list\n",
        "7.1.13, known by sessions\n",
    ] {
        assert!(ran.out.contains(said), "{said:?} is not in\n{}", ran.out);
    }
}
