//! A series of patches: read from an mbox, a patch or a folder of them, and applied as `git am` would.
//!
//! git splits and reads the mails, and applies each patch whole or not at all. Knows no repository.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use scrubjay_host::{Manner, interrupt, process};
use tempfile::TempDir;

use crate::git::GitError;
use crate::{digest, git};

/// The trailer that says what a series is made upon (git-format-patch, `--base`).
const BASE: &str = "base-commit: ";
/// What the names of a folder's patches end with.
const ENDINGS: [&str; 4] = ["patch", "diff", "eml", "mbox"];

/// A series of patches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// As the user named it.
    pub path: PathBuf,
    /// The commit that it says it is made upon.
    pub base: Option<String>,
    patches: Vec<Patch>,
}

/// One patch of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Patch {
    subject: String,
    text: Vec<u8>,
}

/// What is wrong with a series.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// A file or directory cannot be read.
    #[error("cannot read the series {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no patch in it.
    #[error("the series {} has no patch in it; give an mbox, a patch, or a folder of patches as git format-patch makes them", path.display())]
    Empty {
        /// The series.
        path: PathBuf,
    },
    /// What is kept of it for a moment cannot be.
    #[error("cannot keep the patches of {} for a moment in {}: {source}; make room there, or set TMPDIR", path.display(), dir.display())]
    Scratch {
        /// The series.
        path: PathBuf,
        /// Where temporary files are.
        dir: PathBuf,
        /// Why; a full disk shows here.
        source: io::Error,
    },
    /// git could not do its part: it is not here, or the disk is full.
    #[error(transparent)]
    Git(#[from] GitError),
    /// git does not take it for mails.
    #[error("{} is no series: {said}", path.display())]
    NoMail {
        /// The file.
        path: PathBuf,
        /// What git said.
        said: String,
    },
    /// A patch of it does not apply.
    #[error("patch {number} of {of} in {}, `{subject}`, does not apply upon {upon}{}:\n{said}", path.display(), hint(base.as_deref()))]
    DoesNotApply {
        /// The series.
        path: PathBuf,
        /// Which, counted from 1.
        number: usize,
        /// Of how many.
        of: usize,
        /// Its subject.
        subject: Box<str>,
        /// What it was applied to, with those before it.
        upon: Box<str>,
        /// The commit that the series says it is made upon.
        base: Option<String>,
        /// What git said.
        said: Box<str>,
    },
}

fn hint(base: Option<&str>) -> String {
    base.map_or(String::new(), |base| format!(" (the series says that it is made upon {base})"))
}

impl Series {
    /// Reads a series; its cover letter, and other mails without a patch, are left out.
    ///
    /// # Errors
    /// [`SeriesError`]; one without a patch is an error.
    pub fn read(path: &Path) -> Result<Self, SeriesError> {
        let failed = |source| SeriesError::Read { path: path.to_owned(), source };
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            let is_one =
                |file: &PathBuf| file.extension().is_some_and(|e| ENDINGS.iter().any(|ending| e == *ending));
            let entries = fs::read_dir(path).map_err(failed)?;
            let all =
                entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
            files = all.into_iter().filter(|file| file.is_file() && is_one(file)).collect();
            files.sort();
        }
        let mut series = Series { path: path.to_owned(), base: None, patches: Vec::new() };
        for file in &files {
            let text = fs::read(file).map_err(|source| SeriesError::Read { path: file.clone(), source })?;
            if text.trim_ascii().is_empty() {
                continue;
            }
            let lines = String::from_utf8_lossy(&text);
            let base = lines.lines().filter_map(|line| line.strip_prefix(BASE)).next_back();
            series.base = base.map(|base| base.trim().to_owned()).or(series.base);
            series.patches.extend(split(file)?);
        }
        match series.patches.is_empty() {
            true => Err(SeriesError::Empty { path: path.to_owned() }),
            false => Ok(series),
        }
    }

    /// Several as one, in that order; it is called by all of their names, with commas between them.
    ///
    /// # Errors
    /// As [`Series::read`], of the first that is wrong.
    pub fn read_all(paths: &[PathBuf]) -> Result<Self, SeriesError> {
        let [first, rest @ ..] = paths else {
            return Err(SeriesError::Empty { path: PathBuf::new() });
        };
        let mut all = Self::read(first)?;
        for path in rest {
            let next = Self::read(path)?;
            all.base = next.base.or(all.base);
            all.patches.extend(next.patches);
        }
        if !rest.is_empty() {
            let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
            all.path = PathBuf::from(names.join(","));
        }
        Ok(all)
    }

    /// A digest of what its patches change, their mails left out.
    pub fn digest(&self) -> String {
        digest::of_bytes(&self.patches.iter().map(|patch| patch.text.as_slice()).collect::<Vec<_>>().concat())
    }

    /// Applies its patches to a tree of ours, one after the other. `upon` is what the tree is called.
    ///
    /// # Errors
    /// [`SeriesError::DoesNotApply`] names the first that does not; the tree then has those before it.
    pub(crate) fn apply(&self, tree: &Path, upon: &str) -> Result<(), SeriesError> {
        let scratch = Scratch::new(&self.path)?;
        let file = scratch.path().join("patch");
        for (at, patch) in self.patches.iter().enumerate() {
            fs::write(&file, &patch.text).map_err(scratch.failed())?;
            // What does not apply is asked for before anything is written: of writing there are other errors.
            let check = apply(tree, &file, true)?;
            if !check.status.success() {
                return Err(SeriesError::DoesNotApply {
                    path: self.path.clone(),
                    number: at + 1,
                    of: self.patches.len(),
                    subject: patch.subject.as_str().into(),
                    upon: upon.into(),
                    base: self.base.clone(),
                    said: words(&check.stderr).into(),
                });
            }
            let applied = apply(tree, &file, false)?;
            if !applied.status.success() {
                return Err(failed("apply", tree)(words(&applied.stderr)).into());
            }
        }
        Ok(())
    }
}

fn apply(tree: &Path, patch: &Path, only_check: bool) -> Result<Output, GitError> {
    let mut command = git::command(tree);
    // A repository that the tree lies in by chance is none of its business.
    command
        .env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree))
        .args(["apply", "-p1", "--whitespace=nowarn"])
        .args(only_check.then_some("--check"))
        .arg(patch);
    output(command, "apply", tree)
}

/// What a program of git's says, that works in a directory.
fn output(command: Command, what: &str, dir: &Path) -> Result<Output, GitError> {
    let failed = failed(what, dir);
    process::output(command, Manner::Ask, None).map_err(|error| failed(git::not_run(&error)))
}

fn failed<'a>(what: &'a str, dir: &'a Path) -> impl FnOnce(String) -> GitError + 'a {
    move |said| GitError { what: what.to_owned(), dir: dir.to_owned(), said }
}

fn words(said: &[u8]) -> String {
    String::from_utf8_lossy(said).trim().to_owned()
}

/// A directory for a moment, that no signal leaves behind.
struct Scratch<'a> {
    series: &'a Path,
    dir: TempDir,
}

impl<'a> Scratch<'a> {
    fn new(series: &'a Path) -> Result<Self, SeriesError> {
        let failed = |source| SeriesError::Scratch { path: series.to_owned(), dir: env::temp_dir(), source };
        Ok(Self { series, dir: interrupt::enter(tempfile::tempdir, TempDir::path).map_err(failed)? })
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> SeriesError {
        let (path, dir) = (self.series.to_owned(), env::temp_dir());
        move |source| SeriesError::Scratch { path, dir, source }
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.dir.path());
        interrupt::leave(self.dir.path());
    }
}

/// How git ends where something stood in its way, and not where what it read is no mail.
const STOPPED: i32 = 128;

/// The patches of one file.
fn split(path: &Path) -> Result<Vec<Patch>, SeriesError> {
    let scratch = Scratch::new(path)?;
    let dir = scratch.path();
    let checked = |what: &str, said: Output| match said.status {
        status if status.success() => Ok(said),
        status if status.code() == Some(STOPPED) => Err(failed(what, dir)(words(&said.stderr)).into()),
        _ => Err(SeriesError::NoMail { path: path.to_owned(), said: words(&said.stderr) }),
    };
    let file =
        std::path::absolute(path).map_err(|source| SeriesError::Read { path: path.to_owned(), source })?;
    let mut mailsplit = git::command(dir);
    // -b: a file without a line `From ` is one mail.
    mailsplit.args(["mailsplit", "-b", "-o."]).arg(&file);
    checked("mailsplit", output(mailsplit, "mailsplit", dir)?)?;
    let mut mails = fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .map_err(scratch.failed())?;
    mails.sort();
    let mut patches = Vec::new();
    for mail in mails {
        let (message, patch) = (mail.with_extension("message"), mail.with_extension("patch"));
        // It takes the mail from its standard input alone.
        let mut mailinfo = Command::new("sh");
        mailinfo
            .args(["-c", r#"exec git mailinfo "$0" "$1" < "$2""#])
            .args([&message, &patch, &mail])
            .env("LC_ALL", "C")
            .current_dir(dir);
        let said = checked("mailinfo", output(mailinfo, "mailinfo", dir)?)?;
        let text = fs::read(&patch).map_err(scratch.failed())?;
        let info = String::from_utf8_lossy(&said.stdout);
        let subject = info.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("(no subject)");
        let is_patch = String::from_utf8_lossy(&text)
            .lines()
            .any(|line| line.starts_with("diff --git ") || line.starts_with("--- "));
        if is_patch {
            patches.push(Patch { subject: subject.to_owned(), text });
        }
    }
    Ok(patches)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::git::tests::git;

    /// A repository with one file, and the folder of a series of two patches upon it, with a cover letter.
    fn repository() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("repo");
        fs::create_dir(&path).expect("made");
        git(&path, &["init", "-q"]);
        for (text, subject) in [("a\nb\nc\n", "first"), ("a\nB\nc\n", "second"), ("a\nB\nC\n", "third")] {
            fs::write(path.join("file"), text).expect("written");
            git(&path, &["add", "."]);
            git(&path, &["commit", "-qm", subject]);
        }
        let base = git::ask(&path, &["rev-parse", "HEAD~2"]).expect("a commit");
        let series = dir.path().join("series");
        let to = format!("-o{}", series.display());
        git(&path, &["format-patch", "-q", "--cover-letter", &to, &format!("--base={base}"), "HEAD~2"]);
        (dir, path)
    }

    fn tree(text: &str) -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a directory");
        fs::write(tree.path().join("file"), text).expect("written");
        tree
    }

    #[test]
    fn a_folder_an_mbox_and_a_patch_are_read_and_applied() {
        let (dir, repo) = repository();
        let folder = Series::read(&dir.path().join("series")).expect("a series");
        assert_eq!(folder.patches.len(), 2);
        assert_eq!(folder.base, Some(git::ask(&repo, &["rev-parse", "HEAD~2"]).expect("a commit")));
        let mut mbox = Vec::new();
        for name in ["0000-cover-letter.patch", "0001-second.patch", "0002-third.patch"] {
            mbox.extend(fs::read(dir.path().join("series").join(name)).expect("a patch"));
        }
        fs::write(dir.path().join("all.mbox"), mbox).expect("written");
        let mbox = Series::read(&dir.path().join("all.mbox")).expect("a series");
        assert_eq!(mbox.digest(), folder.digest());
        let one = Series::read(&dir.path().join("series/0001-second.patch")).expect("a patch");
        let files =
            ["0001-second.patch", "0002-third.patch"].map(|name| dir.path().join("series").join(name));
        let several = Series::read_all(&files).expect("a series");
        for (series, text) in
            [(folder, "a\nB\nC\n"), (several, "a\nB\nC\n"), (mbox, "a\nB\nC\n"), (one, "a\nB\nc\n")]
        {
            let tree = tree("a\nb\nc\n");
            series.apply(tree.path(), "a tree").expect("it applies");
            assert_eq!(fs::read_to_string(tree.path().join("file")).expect("text"), text);
        }
    }

    #[test]
    fn the_patch_that_does_not_apply_is_named_with_the_base_that_the_series_wants() {
        let (dir, _repo) = repository();
        let series = Series::read(&dir.path().join("series")).expect("a series");
        let error = series.apply(tree("a\nb\nX\n").path(), "7.3").expect_err("the second does not apply");
        let SeriesError::DoesNotApply { number, of, ref subject, .. } = error else { panic!("{error}") };
        assert_eq!((number, of, &**subject), (1, 2, "second"));
        let error = error.to_string();
        assert!(error.contains("upon 7.3 (the series says that it is made upon "), "{error}");
    }

    #[rstest]
    #[case::an_empty_file("", "no patch in it")]
    #[case::a_mail_without_a_patch("From: a\nSubject: [PATCH 0/2] two\n\nwords\n", "no patch in it")]
    fn a_series_without_a_patch_is_refused(#[case] text: &str, #[case] said: &str) {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("s.mbox");
        fs::write(&file, text).expect("written");
        let error = Series::read(&file).expect_err("none").to_string();
        assert!(error.contains(said) && error.contains("s.mbox"), "{error}");
    }

    #[test]
    fn a_series_that_is_not_there_and_a_folder_without_patches_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(matches!(Series::read(&dir.path().join("none")), Err(SeriesError::Read { .. })));
        fs::write(dir.path().join("README"), "no patch").expect("written");
        assert!(matches!(Series::read(dir.path()), Err(SeriesError::Empty { .. })));
    }
}
