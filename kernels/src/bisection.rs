//! `git bisect` in a repository of our own, which takes its objects from the user's. Nothing is checked out, and nothing
//! is written to the user's.

use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_host::interrupt;
use tempfile::TempDir;

use crate::git::{self, GitError};

/// A search for the first commit between a good and a bad one that is bad.
#[derive(Debug)]
pub struct Bisection {
    /// Taken when it is removed.
    dir: Option<TempDir>,
    path: PathBuf,
}

/// What is said of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is as the good end is.
    Good,
    /// It is as the bad end is.
    Bad,
    /// Nobody can tell.
    Skip,
}

impl Mark {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Mark::Good => "good",
            Mark::Bad => "bad",
            Mark::Skip => "skip",
        }
    }
}

/// How a search stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// This commit is to be marked next.
    Next(String),
    /// There is none to be marked.
    Ended(Found),
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The first bad commit.
    First(String),
    /// Among these is the first bad one; those of them that could be told are marked, and the others were skipped.
    Among(Vec<String>),
}

impl Bisection {
    /// Begins between two revisions of a repository.
    ///
    /// # Errors
    /// git's: no such revisions, or none between them that the one is older and the other newer than.
    pub fn start(repo: &Path, good: &str, bad: &str) -> Result<Self, GitError> {
        let commit = |revision: &str| {
            git::ask(repo, &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")])
        };
        let (good, bad) = (commit(good)?, commit(bad)?);
        let objects = git::ask(repo, &["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
        let dir = interrupt::enter(tempfile::tempdir, TempDir::path).map_err(failed(repo))?;
        let path = dir.path().to_owned();
        let bisection = Self { dir: Some(dir), path };
        bisection.ask(&["init", "-q"])?;
        let alternates = bisection.path.join(".git/objects/info/alternates");
        fs::write(&alternates, format!("{objects}\n")).map_err(failed(&alternates))?;
        // git begins at what is checked out.
        bisection.ask(&["update-ref", "--no-deref", "HEAD", &bad])?;
        bisection.ask(&["bisect", "start", "--no-checkout", &bad, &good])?;
        Ok(bisection)
    }

    /// How it stands.
    ///
    /// # Errors
    /// git's.
    pub fn standing(&self) -> Result<Standing, GitError> {
        // git tells it in lines of its log, for whoever reads that.
        let log = self.ask(&["bisect", "log"])?;
        let told = |words: &str| -> Vec<String> {
            let commits = log.lines().filter_map(|line| line.strip_prefix(words)?.split(']').next());
            commits.map(str::to_owned).collect()
        };
        if let Some(first) = told("# first bad commit: [").pop() {
            return Ok(Standing::Ended(Found::First(first)));
        }
        match told("# possible first bad commit: [") {
            among if among.is_empty() => {
                self.ask(&["rev-parse", "--verify", "BISECT_HEAD"]).map(Standing::Next)
            }
            among => Ok(Standing::Ended(Found::Among(among))),
        }
    }

    /// Marks a commit.
    ///
    /// # Errors
    /// git's: what is marked contradicts the rest.
    pub fn mark(&self, commit: &str, mark: Mark) -> Result<(), GitError> {
        let said = self.ask(&["bisect", mark.name(), commit]);
        // It fails too where only skipped commits are left, which the log says.
        match self.standing()? {
            Standing::Ended(Found::Among(_)) => Ok(()),
            Standing::Ended(Found::First(_)) | Standing::Next(_) => said.map(|_| ()),
        }
    }

    /// How many commits lie between the ends, the bad one among them.
    ///
    /// # Errors
    /// git's.
    pub fn commits(&self) -> Result<usize, GitError> {
        let count =
            self.ask(&["rev-list", "--count", "refs/bisect/bad", "--not", "--glob=refs/bisect/good-*"])?;
        Ok(count.parse().unwrap_or_default())
    }

    /// The newest commit that was marked good, and the oldest that was marked bad.
    ///
    /// # Errors
    /// git's.
    pub fn nearest(&self) -> Result<(String, String), GitError> {
        let good = self.ask(&["rev-list", "--no-walk", "--max-count=1", "--glob=refs/bisect/good-*"])?;
        Ok((good, self.ask(&["rev-parse", "refs/bisect/bad"])?))
    }

    /// The first line of a commit's message.
    ///
    /// # Errors
    /// git's.
    pub fn subject(&self, commit: &str) -> Result<String, GitError> {
        self.ask(&["show", "-s", "--format=%s", commit])
    }

    fn ask(&self, args: &[&str]) -> Result<String, GitError> {
        git::ask_on(&self.path, args)
    }
}

impl Drop for Bisection {
    fn drop(&mut self) {
        drop(self.dir.take());
        interrupt::leave(&self.path);
    }
}

fn failed(dir: &Path) -> impl FnOnce(std::io::Error) -> GitError {
    move |error| GitError { what: "bisect".to_owned(), dir: dir.to_owned(), said: error.to_string() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::git::tests::git;

    /// A repository of so many commits, each called by its number.
    fn of(commits: usize) -> TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        git(dir.path(), &["init", "-q"]);
        for number in 0..commits {
            git(dir.path(), &["commit", "-qm", &number.to_string(), "--allow-empty"]);
        }
        dir
    }

    /// Searches among 16 commits; gives what was asked of, and the subjects that are left.
    fn search(of_commit: impl Fn(usize) -> Mark) -> (Vec<usize>, Vec<usize>) {
        let repo = of(16);
        let bisection = Bisection::start(repo.path(), "HEAD~15", "HEAD").expect("begun");
        assert_eq!(bisection.commits().expect("counted"), 15);
        let number = |commit: &str| bisection.subject(commit).expect("a subject").parse().expect("a number");
        let mut asked = Vec::new();
        loop {
            match bisection.standing().expect("git answers") {
                Standing::Next(commit) => {
                    let at = number(&commit);
                    asked.push(at);
                    bisection.mark(&commit, of_commit(at)).expect("marked");
                }
                Standing::Ended(Found::First(commit)) => return (asked, vec![number(&commit)]),
                Standing::Ended(Found::Among(commits)) => {
                    let mut among: Vec<_> = commits.iter().map(|commit| number(commit)).collect();
                    among.sort_unstable();
                    return (asked, among);
                }
            }
        }
    }

    fn bad_from(first: usize) -> impl Fn(usize) -> Mark {
        move |at| if at < first { Mark::Good } else { Mark::Bad }
    }

    #[rstest]
    #[case(1)]
    #[case(8)]
    #[case(15)]
    fn the_first_bad_commit_is_found(#[case] first: usize) {
        let (asked, found) = search(bad_from(first));
        assert_eq!(found, [first]);
        assert!(asked.len() <= 4, "{asked:?}");
    }

    #[test]
    fn a_skipped_commit_away_from_the_first_bad_one_hides_nothing() {
        let (_, found) = search(|at| if at == 7 { Mark::Skip } else { bad_from(10)(at) });
        assert_eq!(found, [10]);
    }

    #[test]
    fn beside_a_skipped_commit_no_single_one_is_named() {
        let (_, found) = search(|at| if at == 9 { Mark::Skip } else { bad_from(10)(at) });
        assert_eq!(found, [9, 10]);
    }

    #[test]
    fn the_users_repository_stays_as_it_was() {
        let repo = of(4);
        let state = || {
            let refs = git::ask(repo.path(), &["for-each-ref"]).expect("refs");
            let files: Vec<_> = fs::read_dir(repo.path().join(".git")).expect("a repository").collect();
            (refs, files.len(), git::ask(repo.path(), &["rev-parse", "HEAD"]).expect("a head"))
        };
        let before = state();
        let bisection = Bisection::start(repo.path(), "HEAD~3", "HEAD").expect("begun");
        let ours = bisection.path.clone();
        let Standing::Next(commit) = bisection.standing().expect("git answers") else { panic!("at its end") };
        bisection.mark(&commit, Mark::Bad).expect("marked");
        drop(bisection);
        assert_eq!(state(), before);
        assert!(!ours.exists(), "{} is left behind", ours.display());
    }

    #[rstest]
    #[case::turned_round("HEAD", "HEAD~3")]
    #[case::the_same("HEAD", "HEAD")]
    #[case::no_revision("no/such", "HEAD")]
    fn ends_that_are_none_are_refused(#[case] good: &str, #[case] bad: &str) {
        let repo = of(4);
        let error = Bisection::start(repo.path(), good, bad).expect_err("refused");
        assert!(!error.said.is_empty(), "{error}");
    }
}
