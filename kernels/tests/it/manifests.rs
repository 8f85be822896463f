//! Manifests: those of the project, and what is refused in one.

use std::path::Path;

use rstest::rstest;
use scrubjay_kernels::{Catalogue, Fwctl, Manifest, ManifestError, Source};

fn shipped() -> Catalogue {
    Catalogue::load(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the project's manifests read")
}

#[test]
fn every_manifest_of_the_project_reads_and_its_id_is_its_stem() {
    let ids: Vec<String> = shipped().iter().map(|manifest| manifest.id.clone()).collect();
    for manifest in shipped().iter() {
        assert_eq!(manifest.path.file_stem().and_then(|stem| stem.to_str()), Some(manifest.id.as_str()));
    }
    let wanted = [
        "6.12",
        "6.16",
        "6.16-modular",
        "6.17",
        "6.18",
        "6.19",
        "7.0",
        "7.1",
        "7.1-instrumented",
        "7.1-slub",
        "7.2",
        "7.2-raw",
        "7.3",
        "7.3-clang",
        "7.3-coverage",
        "7.3-instrumented",
        "7.3-modular",
        "7.3-raw",
        "7.3-slub",
        "debian-7.3",
    ];
    assert_eq!(ids, wanted, "the oldest release first");
}

#[test]
fn every_fragment_named_is_there_and_holds_what_the_manifest_calls_absent() {
    for manifest in shipped().iter() {
        let Some(config) = &manifest.config else { continue };
        let fragment = config.options().expect("the fragment and its overlays read");
        for option in config.absent.keys() {
            assert!(
                fragment.options().any(|(name, _)| name == option),
                "{}: {option} is in no fragment",
                manifest.id
            );
        }
    }
}

#[test]
fn the_reference_kernels_have_fwctl_and_the_two_others_say_why_not() {
    for manifest in shipped().iter() {
        let absent = matches!(manifest.fwctl, Fwctl::Absent { .. });
        assert_eq!(absent, ["6.12", "debian-7.3"].contains(&manifest.id.as_str()), "{}", manifest.id);
    }
}

#[test]
fn a_debian_source_is_pinned_by_its_digest() {
    for manifest in shipped().iter() {
        for source in &manifest.sources {
            if let Source::DebianSource(package) = source {
                assert!(package.sha256.is_some(), "{}", manifest.id);
            }
        }
    }
}

#[test]
fn an_unknown_id_is_answered_with_those_that_are_there() {
    let error = shipped().get("7.9").expect_err("there is none").to_string();
    assert!(error.contains("`7.9`") && error.contains("6.12, 6.16"), "{error}");
}

#[test]
fn a_directory_without_manifests_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("Cargo.toml"), "[package]\n").expect("written");
    assert!(matches!(Catalogue::load(dir.path()), Err(ManifestError::Empty { .. })));
}

const GOOD: &str = r#"version = "7.3.4"
history = { release = "7.3", unmodified = true }
fwctl = { expect = "present" }
[config]
fragment = "reference.config"
compiler = "gcc"
[[source]]
kind = "debian-source"
package = "linux-source-7.3"
version = "7.3.4-1"
"#;

fn refused(id: &str, text: &str) -> String {
    Manifest::parse(Path::new(&format!("kernels/{id}.toml")), text).expect_err("refused").to_string()
}

#[test]
fn a_good_manifest_is_taken() {
    let manifest = Manifest::parse(Path::new("kernels/7.3.toml"), GOOD).expect("it is good");
    assert_eq!((manifest.id.as_str(), manifest.version.as_str()), ("7.3", "7.3.4"));
    assert_eq!(manifest.history.release.to_string(), "7.3");
    assert_eq!(manifest.config.expect("a config").fragment, Path::new("kernels/reference.config"));
}

#[rstest]
#[case::at_the_top("version", "flavour = \"x\"\nversion", ":1: ", "flavour")]
#[case::in_a_table("compiler =", "complier = \"gcc\"\ncompiler =", ":6: ", "complier")]
#[case::in_a_source("package", "pakage = \"x\"\npackage", ":9: ", "pakage")]
#[case::of_another_kind(
    "package =",
    "url = \"https://h/a.tar.xz\"\npackage =",
    ":9: ",
    "a debian-source has no field `url`"
)]
#[case::kind("debian-source", "debian-sauce", ":8: ", "debian-sauce")]
#[case::compiler("\"gcc\"", "\"tcc\"", ":6: ", "tcc")]
#[case::fwctl("present", "perhaps", ":3: ", "perhaps")]
#[case::release("\"7.3\",", "\"7\",", ":2: ", "no release series")]
#[case::another_series("\"7.3\",", "\"7.2\",", ":2: ", "not the series of version 7.3.4")]
#[case::prefix_of_a_series("\"7.3\",", "\"7.30\",", ":2: ", "not the series")]
#[case::absent_without_reason("\"present\"", "\"absent\"", ":3: ", "needs a reason")]
#[case::digest("7.3.4-1\"", "7.3.4-1\"\nsha256 = \"abc\"", ":11: ", "no SHA-256")]
#[case::path_in_a_package("linux-source-7.3", "../linux", ":9: ", "cannot be a package")]
#[case::path_in_a_version("7.3.4-1", "7.3/4", ":10: ", "no Debian version")]
#[case::overlay_elsewhere(
    "compiler =",
    "overlays = [\"../x\"]\ncompiler =",
    ":6: ",
    "cannot be a overlay's name"
)]
#[case::no_module("compiler =", "modules = [\"a b\"]\ncompiler =", ":6: ", "no module's name")]
#[case::tree_without_modules("compiler =", "keep-tree = true\ncompiler =", ":6: ", "needs modules")]
#[case::fragment_elsewhere("reference.config", "/etc/passwd", ":5: ", "cannot be a fragment")]
#[case::missing_field("package = \"linux-source-7.3\"\n", "", ":7: ", "needs the field `package`")]
#[case::missing_table("history = { release = \"7.3\", unmodified = true }\n", "", ":1: ", "history")]
#[case::absent_option("[[source]]", "absent = { FWCTL = \"x\" }\n[[source]]", ":7: ", "CONFIG_")]
#[case::absent_option_without_reason(
    "[[source]]",
    "absent = { CONFIG_A = \"\" }\n[[source]]",
    ":7: ",
    "needs a reason"
)]
#[case::syntax("compiler = ", "compiler ", ":6: ", "")]
fn what_is_wrong_is_refused_with_file_and_line(
    #[case] of: &str,
    #[case] to: &str,
    #[case] line: &str,
    #[case] named: &str,
) {
    let error = refused("7.3", &GOOD.replacen(of, to, 1));
    assert!(error.starts_with(&format!("kernels/7.3.toml{line}")) && error.contains(named), "{error}");
}

#[rstest]
#[case::built_without_config(
    "[config]\nfragment = \"reference.config\"\ncompiler = \"gcc\"\n",
    "",
    "add a [config] table"
)]
#[case::image_with_config(
    "kind = \"debian-source\"\npackage = \"linux-source-7.3\"\nversion = \"7.3.4-1\"",
    "kind = \"prebuilt\"\npath = \"bzImage\"",
    "[config] has no effect"
)]
#[case::tarball_over_plain_http(
    "kind = \"debian-source\"\npackage = \"linux-source-7.3\"\nversion = \"7.3.4-1\"",
    "kind = \"upstream-tarball\"\nurl = \"http://h/linux.tar.xz\"",
    "needs its sha256"
)]
#[case::no_tarball(
    "kind = \"debian-source\"\npackage = \"linux-source-7.3\"\nversion = \"7.3.4-1\"",
    "kind = \"upstream-tarball\"\nurl = \"https://h/\"",
    "no address of a tarball"
)]
fn sources_and_config_have_to_fit(#[case] of: &str, #[case] to: &str, #[case] named: &str) {
    let error = refused("7.3", &GOOD.replacen(of, to, 1));
    assert!(error.contains(named), "{error}");
}

#[test]
fn a_file_name_that_is_no_id_is_refused() {
    assert!(refused("7 3", GOOD).contains("cannot be a kernel's id"));
}
