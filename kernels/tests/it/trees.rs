//! Trees and revisions of the user's: built as they stand, and left as they were.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use scrubjay_kernels::{Image, KernelError, Manifest, Series, SeriesError, Silent, Source};

use crate::support::{Bench, read};

fn obtain(bench: &Bench, manifest: &Manifest) -> Result<Image, KernelError> {
    bench.resolver().obtain(manifest, &mut Silent)
}

fn git(dir: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(dir).args(identity).args(args).output().expect("git runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Every file below a directory, `.git` too: its bytes and its time.
fn held(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut held = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            held.extend(self::held(&path));
        } else {
            let time = fs::metadata(&path).and_then(|kind| kind.modified()).expect("a time");
            held.insert(path.clone(), (read(&path), time));
        }
    }
    held
}

/// The small tree as a repository of one commit; its build writes a line of `word` into `log`.
fn repository(bench: &Bench) -> PathBuf {
    let Source::LocalTree { path } = bench.tree("cat word >> ../../../../log") else { panic!("a tree") };
    let log = bench.path("log");
    let makefile = String::from_utf8(read(&path.join("Makefile"))).expect("text");
    let makefile = makefile.replace("../../../../log", &log.display().to_string());
    fs::write(path.join("Makefile"), makefile).expect("written");
    fs::write(path.join("word"), "first\n").expect("written");
    fs::write(path.join(".gitignore"), ".*\n!.gitignore\n*.o\n").expect("written");
    git(&path, &["init", "-q"]);
    git(&path, &["add", "."]);
    git(&path, &["commit", "-qm", "first"]);
    path
}

fn built(bench: &Bench) -> String {
    String::from_utf8(read(&bench.path("log"))).expect("text")
}

#[test]
fn a_tree_that_was_built_in_place_is_built_from_a_copy_and_stays_as_it_is() {
    let bench = Bench::new();
    let path = repository(&bench);
    fs::write(path.join(".config"), "CONFIG_A=y\n").expect("written");
    fs::write(path.join("word"), "not committed\n").expect("written");
    let before = held(&path);
    let mut manifest = bench.manifest(Source::LocalTree { path: path.clone() });
    manifest.id = format!("tree:{}", path.display());
    let image = obtain(&bench, &manifest).expect("built");
    assert_eq!(image.id, manifest.id);
    assert_eq!(built(&bench), "not committed\n");
    assert_eq!(held(&path), before);
    assert_eq!(obtain(&bench, &manifest).expect("found"), image, "nothing is newer");
    fs::write(path.join("word"), "changed again\n").expect("written");
    obtain(&bench, &manifest).expect("built");
    assert_eq!(built(&bench), "not committed\nchanged again\n");
}

#[test]
fn the_config_of_a_tree_is_built_with_and_the_reference_lies_over_it() {
    let bench = Bench::new();
    let path = repository(&bench);
    fs::write(path.join(".config"), "CONFIG_A=y\n# CONFIG_FWCTL is not set\n").expect("written");
    let mut manifest = bench.manifest(Source::LocalTree { path: path.clone() });
    let config = manifest.config.as_mut().expect("it is built");
    (config.own, config.loose) = (Some(path.join(".config")), true);
    let image = obtain(&bench, &manifest).expect("built");
    let option = |name: &str| image.option(name);
    assert_eq!(option("CONFIG_A").as_deref(), Some("y"));
    assert_eq!(option("CONFIG_FWCTL").as_deref(), Some("y"));
}

#[test]
fn a_revision_with_a_series_is_built_and_its_repository_stays_as_it_is() {
    let bench = Bench::new();
    let path = repository(&bench);
    fs::write(path.join("word"), "second\n").expect("written");
    git(&path, &["commit", "-qam", "second"]);
    git(&path, &["format-patch", "-q", &format!("-o{}", bench.path("series").display()), "HEAD~1"]);
    fs::write(path.join("word"), "dirty\n").expect("written");
    let commit = |name: &str| git(&path, &["rev-parse", name]);
    let (first, second) = (commit("HEAD~1"), commit("HEAD"));
    let series = Series::read(&bench.path("series")).expect("a series");
    let before = held(&path);
    let of = |commit: &str, series: Option<Series>| {
        bench.manifest(Source::Revision { repo: path.clone(), commit: commit.to_owned(), series })
    };
    for manifest in [of(&first, None), of(&first, Some(series.clone())), of(&second, None)] {
        obtain(&bench, &manifest).expect("built");
    }
    assert_eq!(built(&bench), "first\nsecond\nsecond\n");
    let error = obtain(&bench, &of(&second, Some(series))).expect_err("it is there already");
    assert!(matches!(error, KernelError::Series(SeriesError::DoesNotApply { number: 1, .. })), "{error}");
    assert_eq!(held(&path), before);
}

#[test]
fn a_tree_and_a_revision_of_one_path_do_not_meet() {
    let bench = Bench::new();
    let path = repository(&bench);
    fs::write(path.join(".config"), "CONFIG_A=y\n").expect("written");
    fs::write(path.join("word"), "dirty\n").expect("written");
    let tree = bench.manifest(Source::LocalTree { path: path.clone() });
    let of = |name: &str| {
        let commit = git(&path, &["rev-parse", name]);
        bench.manifest(Source::Revision { repo: path.clone(), commit, series: None })
    };
    obtain(&bench, &of("HEAD")).expect("built");
    obtain(&bench, &tree).expect("built");
    git(&path, &["commit", "-qm", "second", "--allow-empty"]);
    obtain(&bench, &of("HEAD")).expect("built");
    assert_eq!(built(&bench), "first\ndirty\nfirst\n");
    assert_eq!(fs::read_to_string(path.join("word")).expect("text"), "dirty\n");
}

#[test]
fn a_tree_that_changes_while_it_is_built_gives_no_kernel() {
    let bench = Bench::new();
    let source = bench.path("tree/a.c");
    let manifest = bench.manifest(bench.tree(&format!("echo 'int a;' >> {}", source.display())));
    let error = obtain(&bench, &manifest).expect_err("it is another tree now");
    assert!(matches!(error, KernelError::Changed { .. }), "{error}");
    assert!(bench.entries().is_empty(), "{:?}", bench.entries());
}

#[test]
fn objects_of_a_build_that_failed_are_not_taken_and_those_of_a_whole_one_are() {
    let bench = Bench::new();
    let (log, whole) = (bench.path("log"), bench.path("whole"));
    let recipe = format!(
        "! test -e $(O)/half || echo kept >> {}; : > $(O)/half; test -e {}",
        log.display(),
        whole.display()
    );
    let Source::LocalTree { path } = bench.tree(&recipe) else { panic!("a tree") };
    git(&path, &["init", "-q"]);
    git(&path, &["add", "."]);
    let commit = |subject: &str| {
        git(&path, &["commit", "-qm", subject, "--allow-empty"]);
        let commit = git(&path, &["rev-parse", "HEAD"]);
        bench.manifest(Source::Revision { repo: path.clone(), commit, series: None })
    };
    let first = commit("first");
    obtain(&bench, &first).expect_err("make fails");
    fs::write(whole, "").expect("written");
    obtain(&bench, &first).expect("built");
    assert!(!log.exists(), "what the failed make left is gone");
    obtain(&bench, &commit("second")).expect("built");
    assert_eq!(built(&bench), "kept\n");
}
