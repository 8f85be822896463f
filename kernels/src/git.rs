//! Asks a git repository of the user's. Writes nothing to it: no lock, no refreshed index, no hook of it is run, nothing
//! is fetched for it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use scrubjay_host::{Manner, process};

use crate::digest;

/// What git did not do.
#[derive(Debug, thiserror::Error)]
#[error("git {what} in {} failed: {said}", dir.display())]
pub struct GitError {
    /// The command.
    pub what: String,
    /// Where.
    pub dir: PathBuf,
    /// Its words.
    pub said: String,
}

/// What in the caller's environment names another repository, or another config (`git rev-parse --local-env-vars`).
const LOCAL: [&str; 17] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REFERENCE_BACKEND",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// git in a directory, as a program of ours runs it.
pub(crate) fn command(dir: &Path) -> Command {
    let mut git = Command::new("git");
    for variable in LOCAL {
        git.env_remove(variable);
    }
    git.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").env("LC_ALL", "C");
    git.arg("-C").arg(dir).args([
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.autocrlf=false",
    ]);
    git
}

/// git on the repository in a directory of ours. It is named, so that git never looks for one above: where `.git` is
/// missing or damaged, that would be the user's.
pub(crate) fn command_on(dir: &Path) -> Command {
    let mut git = command(dir);
    git.env("GIT_DIR", dir.join(".git")).env("GIT_WORK_TREE", dir);
    git
}

/// What git says to a question, without the line's end.
pub(crate) fn ask(dir: &Path, args: &[&str]) -> Result<String, GitError> {
    run(command(dir), dir, args)
}

/// As [`ask`], of the repository in a directory of ours.
pub(crate) fn ask_on(dir: &Path, args: &[&str]) -> Result<String, GitError> {
    run(command_on(dir), dir, args)
}

fn run(mut git: Command, dir: &Path, args: &[&str]) -> Result<String, GitError> {
    git.args(args);
    let what = args.first().copied().unwrap_or_default();
    let failed = |said: String| GitError { what: what.to_owned(), dir: dir.to_owned(), said };
    let output = process::output(git, Manner::Ask, None).map_err(|error| failed(not_run(&error)))?;
    if !output.status.success() {
        // bisect complains on its standard output.
        let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        return Err(failed(String::from_utf8_lossy(said).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
}

/// Why git could not be run.
pub(crate) fn not_run(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no git; run ci/setup, or install it".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether a directory is the top of a work tree, linked or not.
pub(crate) fn is_repository(dir: &Path) -> bool {
    dir.join(".git").exists()
}

/// Whether a directory lies in a work tree.
pub(crate) fn is_in_repository(dir: &Path) -> bool {
    ask(dir, &["rev-parse", "--is-inside-work-tree"]).is_ok_and(|said| said == "true")
}

/// Whether a repository leaves objects with the one that it was cloned from, and fetches them when they are wanted.
pub(crate) fn is_partial(dir: &Path) -> bool {
    let marks = r"^(extensions\.partialclone|remote\..*\.promisor)$";
    ask(dir, &["config", "--get-regexp", marks]).is_ok()
}

/// What a work tree has: the tree of its commit where nothing is changed; else also the names and contents of what is
/// changed or new and not ignored.
///
/// # Errors
/// git's; and what has no content that could be told, such as a repository within this one.
pub(crate) fn state(dir: &Path) -> Result<String, GitError> {
    let tree = ask(dir, &["rev-parse", "HEAD^{tree}"])?;
    let changed = ask(dir, &["ls-files", "-z", "--modified", "--others", "--exclude-standard"])?;
    let staged = ask(dir, &["diff", "--cached", "--name-only", "--no-renames", "-z", "HEAD"])?;
    let mut names: Vec<&str> =
        changed.split('\0').chain(staged.split('\0')).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(format!("git {tree}"));
    }
    let mut all = String::new();
    for name in names {
        let content = content(&dir.join(name)).map_err(|error| GitError {
            what: "ls-files".to_owned(),
            dir: dir.to_owned(),
            said: format!("{name}: {error}"),
        })?;
        all += &format!("{name} {content}\n");
    }
    Ok(format!("git {tree} with {}", digest::of_bytes(all.as_bytes())))
}

/// What a file holds, or a link names, as a digest; nothing where it is gone.
fn content(path: &Path) -> std::io::Result<String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
        Ok(kind) if kind.is_symlink() => {
            Ok(format!("link {}", digest::of_bytes(fs::read_link(path)?.as_os_str().as_bytes())))
        }
        Ok(kind) if kind.is_file() => digest::of_file(path),
        Ok(_) => Err(std::io::Error::other("is no file")),
    }
}

/// Whether a commit is the one that a release was made of.
pub(crate) fn is_release(dir: &Path, commit: &str, version: &str) -> bool {
    let name = version.replace(".0-rc", "-rc");
    let tag = format!("v{}", name.strip_suffix(".0").unwrap_or(&name));
    ask(dir, &["describe", "--exact-match", "--tags", "--match", &tag, commit]).is_ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use rstest::rstest;

    use super::*;

    /// Runs git for a test.
    pub(crate) fn git(dir: &Path, args: &[&str]) {
        let mut command = Command::new("git");
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        let output = command.arg("-C").arg(dir).args(identity).args(args).output().expect("git runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn the_state_of_a_tree_is_its_commit_and_what_is_changed_or_new() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path();
        git(path, &["init", "-q"]);
        fs::write(path.join(".gitignore"), "*.o\n").expect("written");
        fs::write(path.join("a.c"), "int a;").expect("written");
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "first"]);
        let clean = state(path).expect("a state");
        fs::write(path.join("a.o"), "object").expect("written");
        assert_eq!(state(path).expect("a state"), clean, "what is ignored is no source");
        fs::write(path.join("b.c"), "int b;").expect("written");
        let with_new = state(path).expect("a state");
        assert_ne!(with_new, clean);
        git(path, &["add", "b.c"]);
        assert_eq!(state(path).expect("a state"), with_new);
        fs::write(path.join("b.c"), "int c;").expect("written");
        assert_ne!(state(path).expect("a state"), with_new);
    }

    #[test]
    fn a_file_that_was_moved_counts_under_both_names() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path();
        git(path, &["init", "-q"]);
        fs::write(path.join("a.c"), "int a;\n".repeat(20)).expect("written");
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "first"]);
        git(path, &["mv", "a.c", "b.c"]);
        let moved = state(path).expect("a state");
        fs::write(path.join("a.c"), "int a;\n".repeat(20)).expect("written");
        git(path, &["add", "a.c"]);
        assert_ne!(state(path).expect("a state"), moved, "a.c is there again");
    }

    #[test]
    fn a_repository_within_has_no_state_that_could_be_told_and_what_is_gone_has() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path();
        git(path, &["init", "-q"]);
        fs::write(path.join("a.c"), "int a;").expect("written");
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "first"]);
        let clean = state(path).expect("a state");
        fs::remove_file(path.join("a.c")).expect("removed");
        assert_ne!(state(path).expect("a state"), clean);
        let within = path.join("drivers/mine");
        fs::create_dir_all(&within).expect("made");
        git(&within, &["init", "-q"]);
        fs::write(within.join("b.c"), "int b;").expect("written");
        git(&within, &["add", "."]);
        git(&within, &["commit", "-qm", "within"]);
        let error = state(path).expect_err("a directory").to_string();
        assert!(error.contains("drivers/mine/: is no file"), "{error}");
    }

    #[test]
    fn no_variable_that_names_another_repository_reaches_git() {
        let listed = Command::new("git").args(["rev-parse", "--local-env-vars"]).output().expect("git runs");
        assert!(listed.status.success() && !listed.stdout.is_empty(), "{listed:?}");
        for variable in String::from_utf8_lossy(&listed.stdout).lines() {
            assert!(LOCAL.contains(&variable), "{variable}");
        }
        let command = command(Path::new("."));
        let removed = |name: &str| command.get_envs().any(|(key, value)| key == name && value.is_none());
        assert!(LOCAL.iter().all(|name| removed(name)));
    }

    #[rstest]
    #[case("v7.3.4", "7.3.4", true)]
    #[case("v7.3", "7.3.0", true)]
    #[case("v7.4-rc2", "7.4.0-rc2", true)]
    #[case("mine", "7.3.4", false)]
    fn a_release_is_a_commit_with_its_tag(#[case] tag: &str, #[case] version: &str, #[case] is: bool) {
        let dir = tempfile::tempdir().expect("a directory");
        git(dir.path(), &["init", "-q"]);
        git(dir.path(), &["commit", "-qm", "first", "--allow-empty"]);
        git(dir.path(), &["tag", "-a", "-m", "t", tag]);
        assert_eq!(is_release(dir.path(), "HEAD", version), is);
    }
}
