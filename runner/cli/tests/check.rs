//! `scrubjay check` as far as it goes without a guest: waivers, baselines, references, loose ends.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::fs;

use rstest::rstest;
use scrubjay_verdict::waiver;
use serde_json::Value;

use crate::support::{Root, Said, program, read, run, scrubjay};

/// Of a session that opens a device in the plainest way.
const GOLDEN: &str = "goldens/info/info-names-a-cxl-device.json";

const WAIVER: &str = "format = \"scrubjay.waivers/1\"\n
[[waiver]]
fingerprint = \"3ed398df9c0b354d\"
session = \"info-names-a-cxl-device\"
kernels = [\"7.3\"]
reason = \"the vendor ships it\"
reference = \"ticket 7\"
";

/// Checks without a usable QEMU: everything is read, and nothing booted.
fn check(root: &Root, arguments: &[&str]) -> (Said, Option<Value>) {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("run.json");
    let mut command = root.scrubjay(&["check", "--session", "info-*"]);
    command
        .arg("--format")
        .arg(format!("json:{}", report.display()))
        .args(arguments)
        .env("SCRUBJAY_QEMU", "/bin/false");
    command.arg("--kernel-cache").arg(root.image("7.3.4")).env("XDG_CACHE_HOME", dir.path());
    let ran = run(&mut command);
    (ran, report.exists().then(|| read(&report)))
}

fn notes(report: &Value) -> String {
    report["notes"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[rstest]
#[case::a_baseline_of_many(&["--baseline", "7.1..7.3"], "3 kernels, where one is wanted")]
#[case::a_baseline_of_a_vendor(&["--baseline", "7.2.4-vendor"], "no kernel `7.2.4-vendor`")]
#[case::a_baseline_of_one_number(&["--baseline", "7"], "no kernel `7`")]
#[case::fixes_of_a_reference(&["--against", "7.3", "--require-fixes"], "cannot be used with")]
#[case::unknown_reference(&["--against", "9.9"], "no kernel `9.9`")]
#[case::a_reference_that_is_no_kernel(&["--against", "./Cargo.toml"], "not a kernel image: ./Cargo.toml")]
#[case::a_package_that_is_not_there(&["-k", "deb:no/such.deb"], "there is no file no/such.deb")]
#[case::a_file_that_is_no_package(&["-k", "rpm:./Cargo.toml"], "Cargo.toml: it is neither a Debian package nor an RPM")]
#[case::modules_of_no_image(&["--modules", "kernels"], "no image is named by its file")]
#[case::both(&["--against", "7.3", "--baseline", "7.3"], "cannot be used with")]
#[case::no_such_waivers(&["--waivers", "no/such.toml"], "no/such.toml: ")]
fn wrong_usage_is_refused_with_2(#[case] arguments: &[&str], #[case] said: &str) {
    let ran = run(scrubjay(&["check"]).args(arguments));
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(said), "{}", ran.err);
}

#[test]
fn a_waiver_without_expiry_is_refused_with_2_file_and_line() {
    let root = Root::new();
    let path = root.path().join(waiver::DEFAULT);
    fs::write(&path, WAIVER).unwrap();
    let (ran, report) = check(&root, &[]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains(&format!("{}:3: a waiver needs `expires`", path.display())), "{}", ran.err);
    assert!(report.is_none() && ran.out.is_empty(), "nothing may look like a result: {}", ran.out);
}

#[test]
fn the_waivers_that_are_named_are_the_ones_that_are_read() {
    let root = Root::new();
    fs::write(root.path().join(waiver::DEFAULT), "not TOML").unwrap();
    let named = root.path().join("mine.toml");
    fs::write(&named, format!("{WAIVER}expires = 2999-12-31\n")).unwrap();
    let (ran, _) = check(&root, &["--waivers", named.to_str().unwrap()]);
    assert_eq!(ran.status, 3, "{}", ran.err);
}

#[rstest]
#[case::a_change_that_changes_nothing("a change that changes nothing", |golden: &mut Value| {
    let base = golden["steps"][1]["base"].clone();
    golden["steps"][1]["changes"] = serde_json::json!([{"with": ["op-size-bounded"], "seen": base}]);
})]
#[case::an_older_session("record it again", |golden: &mut Value| golden["of"] = "0123456789abcdef".into())]
#[case::a_defect_that_nothing_documents("is not documented", |golden: &mut Value| {
    golden["steps"][1]["defect"] = serde_json::json!({"promise": "K08", "breaks": "fwctl.h"});
})]
fn a_bad_golden_is_refused_with_2_file_and_line(#[case] said: &str, #[case] spoil: fn(&mut Value)) {
    let root = Root::new();
    let path = root.vector(GOLDEN);
    let mut golden = read(&path);
    spoil(&mut golden);
    fs::write(&path, serde_json::to_string_pretty(&golden).unwrap()).unwrap();
    let (ran, _) = check(&root, &[]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    let (_, after) = ran.err.split_once(&format!("{}:", path.display())).expect("the file");
    assert!(after.starts_with(|c: char| c.is_ascii_digit()) && after.contains(said), "{}", ran.err);
}

#[test]
fn against_a_kernel_a_golden_that_does_not_fit_is_only_told() {
    let root = Root::new();
    let mut golden = read(&root.vector(GOLDEN));
    golden["of"] = "0123456789abcdef".into();
    fs::write(root.vector(GOLDEN), golden.to_string()).unwrap();
    let (ran, report) = check(&root, &["--against", "7.3"]);
    // No QEMU, and so no pass; but the vectors did not stand in the way.
    assert_eq!(ran.status, 3, "{}", ran.err);
    let report = report.unwrap();
    assert!(notes(&report).contains("record it again"), "{report}");
    assert_eq!(report["against"], "7.3");
}

#[rstest]
#[case::with_a_manifest("7.3", "7.3")]
#[case::of_a_stable_series("6.18.50", "6.18.50")]
#[case::as_the_kernel_calls_itself("7.2.0", "7.2")]
#[case::a_candidate("7.3-rc2", "7.3-rc2")]
fn a_baseline_is_any_release_and_is_in_the_report(#[case] given: &str, #[case] told: &str) {
    let (ran, report) = check(&Root::new(), &["--baseline", given]);
    assert_eq!(ran.status, 3, "no QEMU, and so no pass: {}", ran.err);
    assert_eq!(report.unwrap()["baseline"], told);
}

#[test]
fn what_belongs_to_nothing_is_told() {
    let root = Root::new();
    let change = root.vector("changes/op-size-bounded.json");
    let mut unused = read(&change);
    unused["id"] = "never-seen".into();
    fs::write(root.vector("changes/never-seen.json"), unused.to_string()).unwrap();
    fs::write(root.vector("goldens/info/gone.pending.json"), "{}").unwrap();
    let (_, report) = check(&root, &[]);
    let notes = notes(&report.unwrap());
    assert!(notes.contains("never-seen.json: no golden uses this change"), "{notes}");
    assert!(notes.contains("gone.pending.json: there is no session of this name"), "{notes}");
}

#[test]
fn nothing_belongs_to_nothing_in_the_tree_as_it_is_checked_in() {
    let (_, report) = check(&Root::new(), &[]);
    let notes = notes(&report.unwrap());
    assert!(!notes.contains("warning"), "{notes}");
}

/// An apt that knows one package, of which it has no address that could be read.
const APT: &str = r#"case "$*" in
*linux-image-mine=7.3-1) echo "'cdrom://disc/a.deb' a.deb 1 SHA256:00" ;;
*) echo "E: Unable to locate package" >&2; exit 100 ;;
esac"#;

#[rstest]
#[case::unknown(
    "deb:linux-image-none=1",
    "apt offers no linux-image-none in version 1: Unable to locate package; run"
)]
#[case::not_over_http(
    "deb:linux-image-mine=7.3-1",
    "7.3-1: it names no address over http or https; run apt-get update"
)]
fn a_package_that_apt_does_not_offer_is_refused_with_2(#[case] word: &str, #[case] said: &str) {
    let dir = tempfile::tempdir().unwrap();
    program(dir.path(), "apt-get", APT);
    program(dir.path(), "apt-config", "exit 0");
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    for arguments in [["--kernel", word].as_slice(), &["--kernel", "7.3", "--against", word]] {
        let mut command = scrubjay(&["check"]);
        command.args(arguments).env("PATH", &path).env("XDG_CACHE_HOME", dir.path());
        let ran = run(&mut command);
        assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}
