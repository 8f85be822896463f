//! Asks a git repository of the user's. Writes nothing to it: no lock, no refreshed index, no hook of it is run.

use std::path::{Path, PathBuf};
use std::process::Command;

use scrubjay_host::{Manner, process};

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

/// git in a directory, as a program of ours runs it.
pub(crate) fn command(dir: &Path) -> Command {
    let mut git = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").arg("-C").arg(dir).args([
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.autocrlf=false",
    ]);
    git
}

/// What git says to a question, without the line's end.
pub(crate) fn ask(dir: &Path, args: &[&str]) -> Result<String, GitError> {
    let mut git = command(dir);
    git.args(args);
    let failed = |said: String| GitError {
        what: args.first().copied().unwrap_or_default().to_owned(),
        dir: dir.to_owned(),
        said,
    };
    let output = process::output(git, Manner::Ask, None).map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
}

/// Whether a directory is the top of a work tree, linked or not.
pub(crate) fn is_repository(dir: &Path) -> bool {
    dir.join(".git").exists()
}

/// What a work tree has: the tree of its commit where nothing is changed; else also the names and contents of what is
/// changed or new and not ignored.
pub(crate) fn state(dir: &Path) -> Result<String, GitError> {
    let tree = ask(dir, &["rev-parse", "HEAD^{tree}"])?;
    let changed = ask(dir, &["ls-files", "-z", "--modified", "--others", "--exclude-standard"])?;
    let staged = ask(dir, &["diff", "--cached", "--name-only", "-z", "HEAD"])?;
    let mut names: Vec<&str> =
        changed.split('\0').chain(staged.split('\0')).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(format!("git {tree}"));
    }
    let of = |name: &&str| format!("{name} {}", crate::digest::of_file(&dir.join(name)).unwrap_or_default());
    let all = names.iter().map(of).collect::<Vec<_>>().join("\n");
    Ok(format!("git {tree} with {}", crate::digest::of_bytes(all.as_bytes())))
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
