use std::fs;

use rstest::rstest;

use super::*;
use crate::git::tests::git;

fn catalogue() -> Catalogue {
    Catalogue::load(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the manifests read")
}

fn ids(words: &[&str]) -> Result<Vec<String>, String> {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    let catalogue = catalogue();
    let all = asked(&words, &catalogue).map_err(|error| error.to_string())?;
    Ok(all.iter().map(|kernel| kernel.id().to_owned()).collect())
}

/// A directory that is taken for a kernel tree.
fn make_tree(path: &Path) {
    let makefile = "# SPDX\nVERSION = 7\nPATCHLEVEL = 4\nSUBLEVEL = 0\nEXTRAVERSION = -rc2\nNAME = x\n";
    for (name, text) in [("Makefile", makefile), ("Kconfig", ""), ("arch/x86/Makefile", ""), ("a.c", "a\n")] {
        fs::create_dir_all(path.join(name).parent().expect("a parent")).expect("made");
        fs::write(path.join(name), text).expect("written");
    }
}

/// A repository with a kernel tree in two commits, and a series upon the first.
fn repository() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let repo = dir.path().join("linux@home");
    make_tree(&repo);
    git(&repo, &["init", "-q"]);
    git(&repo, &["add", "."]);
    git(&repo, &["commit", "-qm", "first"]);
    git(&repo, &["tag", "-a", "-m", "t", "v7.4-rc2"]);
    fs::write(repo.join("a.c"), "b\n").expect("written");
    git(&repo, &["commit", "-qam", "second"]);
    let series = dir.path().join("series");
    git(&repo, &["format-patch", "-q", &format!("-o{}", series.display()), "--base=HEAD~1", "HEAD~1"]);
    (dir, repo, series)
}

#[rstest]
#[case::an_id(&["7.3-modular"], &["7.3-modular"])]
#[case::a_range(&["7.1..7.3"], &["7.1", "7.2", "7.3"])]
#[case::one_of_a_range(&["7.3..7.3"], &["7.3"])]
#[case::each_once(&["7.2", "7.1..7.3", "7.2"], &["7.2", "7.1", "7.3"])]
#[case::all(&["all"], &["6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3"])]
fn words_name_kernels_of_the_matrix(#[case] words: &[&str], #[case] expected: &[&str]) {
    assert_eq!(ids(words).expect("they are there"), expected);
}

#[rstest]
#[case::unknown("9.9", "no kernel `9.9`")]
#[case::unknown_says_the_forms("9.9", "tree:PATH, git:PATH@REV")]
#[case::a_range_from_nowhere("6.1..7.3", "there is no 6.1; there are 6.12, 6.16")]
#[case::a_range_backwards("7.3..7.1", "7.3 comes after 7.1; write 7.1..7.3")]
#[case::no_tree("tree:no/such", "tree:no/such: no/such is no directory")]
#[case::a_tree_that_is_none("tree:/usr", "tree:/usr: /usr is no kernel tree: it has no Makefile")]
#[case::no_repository(
    "git:no/such@v7.3",
    "git:no/such@v7.3: no/such@v7.3 is no directory; write git:PATH@REV"
)]
#[case::no_series("7.3+no/such.mbox", "cannot read the series no/such.mbox")]
#[case::no_file("vmlinuz:no/such", "cannot read the kernel image no/such")]
fn a_word_that_names_no_kernel_is_refused(#[case] word: &str, #[case] said: &str) {
    let error = ids(&[word]).expect_err("none");
    assert!(error.contains(said), "{error}");
}

#[test]
fn one_kernel_is_not_a_range() {
    let catalogue = catalogue();
    assert_eq!(asked_one("7.3", &catalogue).expect("one").id(), "7.3");
    let error = asked_one("7.1..7.3", &catalogue).expect_err("three").to_string();
    assert!(error.contains("3 kernels, where one is wanted"), "{error}");
}

fn manifest(word: &str) -> Manifest {
    let catalogue = catalogue();
    match asked_one(word, &catalogue).expect("a kernel") {
        Asked::Made(manifest) => manifest.into_owned(),
        Asked::File { .. } => panic!("{word} is a file"),
    }
}

#[test]
fn a_tree_is_named_as_the_user_wrote_it_and_says_what_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, other) = (dir.path().join("a/linux"), dir.path().join("b/linux"));
    make_tree(&one);
    make_tree(&other);
    let [one_word, other_word] = [&one, &other].map(|path| format!("tree:{}", path.display()));
    assert_eq!(ids(&[&one_word, &other_word]).expect("both"), [one_word.clone(), other_word]);
    let tree = manifest(&one_word);
    assert_eq!((tree.version.as_str(), tree.history.unmodified), ("7.4.0-rc2", true));
    assert_eq!(tree.history.release, Release { major: 7, minor: 4 });
    assert_eq!(tree.config.expect("it is built").own, None);
    fs::write(one.join(".config"), "CONFIG_X86_64=y\n").expect("written");
    assert_eq!(manifest(&one_word).config.expect("it is built").own, Some(one.join(".config")));
    fs::write(one.join(".config"), "CONFIG_ARM64=y\n").expect("written");
    let error = ids(&[&one_word]).expect_err("another architecture");
    assert!(error.contains("for another architecture"), "{error}");
    fs::remove_file(one.join("arch/x86/Makefile")).expect("removed");
    assert!(ids(&[&one_word]).expect_err("no x86").contains("has no arch/x86"));
}

#[test]
fn a_repository_stands_where_its_tag_does_and_only_unchanged() {
    let (_dir, repo, series) = repository();
    let word = |rest: &str| format!("git:{}{rest}", repo.display());
    let commit = |name: &str| git::ask(&repo, &["rev-parse", name]).expect("a commit");
    let of = |rest: &str| {
        let manifest = manifest(&word(rest));
        let Some(Source::Revision { commit, series, .. }) = manifest.sources.first().cloned() else {
            panic!("{rest}")
        };
        (commit, series.is_some(), manifest.history.unmodified)
    };
    let series = series.display();
    assert_eq!(of("@v7.4-rc2"), (commit("HEAD~1"), false, true));
    assert_eq!(of("@HEAD"), (commit("HEAD"), false, false));
    assert_eq!(of(""), (commit("HEAD"), false, false));
    assert_eq!(of(&format!("@HEAD~1+{series}")), (commit("HEAD~1"), true, false));
    assert_eq!(of(&format!("+{series}")), (commit("HEAD~1"), true, false), "its base-commit counts");
    let tree = format!("tree:{}", repo.display());
    assert!(!manifest(&tree).history.unmodified);
    git(&repo, &["checkout", "-q", "v7.4-rc2"]);
    assert!(manifest(&tree).history.unmodified);
    fs::write(repo.join("a.c"), "changed\n").expect("written");
    assert!(!manifest(&tree).history.unmodified, "a dirty tree is no release");
}

#[rstest]
#[case::no_such_revision("@v9.9", "no revision `v9.9` in ")]
#[case::no_such_series("@HEAD+no/such.mbox", "no series no/such.mbox that HEAD could be patched with")]
#[case::an_option("@--all", "no revision `--all` in ")]
fn a_revision_that_is_not_there_is_refused(#[case] rest: &str, #[case] said: &str) {
    let (_dir, repo, _series) = repository();
    let error = ids(&[&format!("git:{}{rest}", repo.display())]).expect_err("none");
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_series_upon_a_kernel_of_the_matrix_is_no_release_any_more() {
    let (_dir, _repo, series) = repository();
    let word = format!("7.3+{}", series.display());
    let made = manifest(&word);
    assert_eq!((made.id.as_str(), made.version.as_str()), (word.as_str(), "7.3.4"));
    assert!(!made.history.unmodified);
    assert!(
        made.sources.iter().all(|source| matches!(source, Source::Patched { .. }))
            && !made.sources.is_empty()
    );
}

#[rstest]
#[case("7.3.4", true)]
#[case("7.4.0-rc2", true)]
#[case("7.3.4-vendor", false)]
#[case("7.4.0-rc2-next", false)]
#[case("7.4.0-rc", false)]
fn a_name_that_goes_on_is_no_release(#[case] version: &str, #[case] is: bool) {
    assert_eq!(is_of_release(version), is);
}

#[test]
fn a_vendors_tree_and_a_part_of_a_repository_are_no_release() {
    let dir = tempfile::tempdir().expect("a directory");
    let tree = dir.path().join("work/linux");
    make_tree(&tree);
    let word = format!("tree:{}", tree.display());
    assert!(manifest(&word).history.unmodified, "without git it is taken for what it says");
    let makefile = tree.join("Makefile");
    let text = fs::read_to_string(&makefile).expect("text");
    fs::write(&makefile, text.replace("-rc2", "-rc2-vendor")).expect("written");
    assert!(!manifest(&word).history.unmodified);
    fs::write(&makefile, text).expect("written");
    git(dir.path().join("work").as_path(), &["init", "-q"]);
    assert!(!manifest(&word).history.unmodified, "the repository above it may say anything");
}

#[test]
fn a_partial_clone_is_refused_with_what_to_do() {
    let (_dir, repo, _series) = repository();
    git(&repo, &["config", "remote.origin.promisor", "true"]);
    let error = ids(&[&format!("git:{}@HEAD", repo.display())]).expect_err("it is partial");
    assert!(error.contains("is a partial clone") && error.contains("git clone without --filter"), "{error}");
    ids(&[&format!("tree:{}", repo.display())]).expect("what stands there is whole");
}
