//! Where a tree or a revision of the user's is built: a source of our own where his cannot be built from, and objects
//! that are kept, so that the next build of the same tree compiles what has changed.
//!
//! ```text
//! trees/NAME-HASH/objects/     what make leaves
//! trees/NAME-HASH/source/      a revision checked out, or a copy of a tree that was built in place
//! trees/NAME-HASH/unfinished   there while make runs: what it left is not taken
//! ```
//!
//! Reads the user's tree; never writes to it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use scrubjay_host::{Manner, process};

use crate::cache::{Cache, CacheError, Lock};
use crate::error::KernelError;
use crate::git::{self, GitError};
use crate::progress::Progress;
use crate::{digest, tree};

/// How many hexadecimal digits of the path's digest stand in a name.
const HASH_LENGTH: usize = 8;
const OBJECTS: &str = "objects";
const SOURCE: &str = "source";
const UNFINISHED: &str = "unfinished";
/// What make leaves beside the sources.
const PRODUCTS: [&str; 7] = ["o", "ko", "cmd", "a", "mod", "order", "symvers"];

/// The place of one tree, held by this process.
#[derive(Debug)]
pub(crate) struct Site {
    dir: PathBuf,
    _lock: Lock,
}

/// make at work: what it leaves is taken for objects only once this was told that it ended by itself.
#[derive(Debug)]
pub(crate) struct AtWork(PathBuf);

impl AtWork {
    /// make has ended, well or not: what it left is whole.
    pub(crate) fn ended(self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Site {
    /// The place of a tree or repository, which another process may have to leave first.
    pub(crate) fn of(cache: &Cache, tree: &Path, progress: &mut dyn Progress) -> Result<Self, CacheError> {
        let whole = tree.canonicalize().unwrap_or_else(|_| tree.to_owned());
        let mut hash = digest::of_bytes(whole.as_os_str().as_bytes());
        hash.truncate(HASH_LENGTH);
        let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let dir = cache.trees().join(format!("{}-{hash}", crate::cache::plain(&name)));
        fs::create_dir_all(&dir).map_err(CacheError::io("make the directory", &dir))?;
        let lock = Lock::take(&dir.join(".lock"), &format!("the tree {}", tree.display()), progress)?;
        Ok(Self { dir, _lock: lock })
    }

    /// The directory of the objects, and the mark that make is at work in it. What a make that was killed left is
    /// removed: an object cut short would be taken for one.
    pub(crate) fn objects(&self) -> Result<(PathBuf, AtWork), CacheError> {
        let (objects, mark) = (self.dir.join(OBJECTS), self.dir.join(UNFINISHED));
        if mark.exists() && objects.exists() {
            fs::remove_dir_all(&objects).map_err(CacheError::io("remove the leftover", &objects))?;
        }
        fs::write(&mark, "").map_err(CacheError::io("write", &mark))?;
        fs::create_dir_all(&objects).map_err(CacheError::io("make the directory", &objects))?;
        Ok((objects, AtWork(mark)))
    }

    /// A copy of a tree that was built in place, without what was built. Files that are the same stay as they are.
    pub(crate) fn copy_of(&self, tree: &Path) -> Result<PathBuf, KernelError> {
        let source = self.dir.join(SOURCE);
        let wanted: BTreeSet<PathBuf> = match git::is_repository(tree) {
            true => {
                let listed =
                    git::ask(tree, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
                listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect()
            }
            false => files_below(tree)?.into_iter().filter(|file| !is_product(file)).collect(),
        };
        for stale in files_below(&source)?.into_iter().filter(|file| !wanted.contains(file)) {
            let path = source.join(stale);
            fs::remove_file(&path).map_err(CacheError::io("remove", &path))?;
        }
        for file in &wanted {
            let (from, to) = (tree.join(file), source.join(file));
            if fs::symlink_metadata(&from).is_err() {
                // Deleted and not yet committed.
                let _ = fs::remove_file(&to);
            } else if from.symlink_metadata().is_ok_and(|kind| !kind.is_dir()) && !is_same(&from, &to) {
                let _ = fs::remove_file(&to);
                tree::copy(&from, &to, &|_| true)?;
            }
        }
        if !git::is_repository(tree) {
            self.mrproper(&source)?;
        }
        Ok(source)
    }

    /// Takes away what names alone do not show to be built.
    fn mrproper(&self, source: &Path) -> Result<(), KernelError> {
        let mut make = crate::make::command(source, &self.dir, crate::manifest::Compiler::Gcc, 1);
        make.arg("mrproper");
        let output = process::output(make, Manner::Ask, None)
            .map_err(CacheError::io("run make mrproper in", source))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(CacheError::io("clean the copy in", source)(std::io::Error::other(said)).into())
    }

    /// A commit of a repository, checked out; of files that are the same as before the times stay.
    pub(crate) fn check_out(&self, repo: &Path, commit: &str) -> Result<PathBuf, KernelError> {
        let source = self.dir.join(SOURCE);
        let failed = CacheError::io("make the directory", &source);
        fs::create_dir_all(&source).map_err(failed)?;
        if !git::is_repository(&source) {
            git::ask(&source, &["init", "-q"])?;
        }
        // Objects are taken from where they are; nothing is written there.
        let objects = git::ask(repo, &["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
        let alternates = source.join(".git/objects/info/alternates");
        fs::write(&alternates, format!("{objects}\n")).map_err(CacheError::io("write", &alternates))?;
        git::ask(&source, &["checkout", "-q", "--force", "--detach", commit])?;
        git::ask(&source, &["clean", "-q", "-ffdx"])?;
        Ok(source)
    }
}

impl From<GitError> for KernelError {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

/// Whether make leaves such a file beside the sources.
pub(crate) fn is_product(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| PRODUCTS.contains(&ending)) || file.starts_with(".git")
}

/// Whether two files have one length and one time, or are links to one place.
fn is_same(from: &Path, to: &Path) -> bool {
    let both = (fs::symlink_metadata(from), fs::symlink_metadata(to));
    let (Ok(from_kind), Ok(to_kind)) = both else { return false };
    if from_kind.is_symlink() || to_kind.is_symlink() {
        return fs::read_link(from).ok().zip(fs::read_link(to).ok()).is_some_and(|(from, to)| from == to);
    }
    from_kind.len() == to_kind.len() && from_kind.modified().ok() == to_kind.modified().ok()
}

/// The files below a directory, by their paths below it; none where there is no directory.
fn files_below(dir: &Path) -> Result<Vec<PathBuf>, CacheError> {
    fn walk(root: &Path, dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = entry.path();
            match entry.file_type()?.is_dir() {
                true => walk(root, &path, files)?,
                false => files.push(path.strip_prefix(root).unwrap_or(&path).to_owned()),
            }
        }
        Ok(())
    }
    let mut files = Vec::new();
    if dir.is_dir() {
        walk(dir, dir, &mut files).map_err(CacheError::io("read the directory", dir))?;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::tests::git;
    use crate::progress::Silent;

    fn site(dir: &Path, tree: &Path) -> Site {
        Site::of(&Cache::at(dir.join("cache")), tree, &mut Silent).expect("the site")
    }

    /// What a directory holds, `.git` left out of sight: names, lengths, times.
    fn held(dir: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
        let mut files = files_below(dir).expect("files");
        files.sort();
        let of = |file: PathBuf| {
            let kind = fs::metadata(dir.join(&file)).expect("a file");
            (file, kind.len(), kind.modified().expect("a time"))
        };
        files.into_iter().map(of).collect()
    }

    #[test]
    fn a_git_tree_is_copied_as_it_stands_and_not_what_was_built_in_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let tree = dir.path().join("tree");
        fs::create_dir(&tree).expect("made");
        git(&tree, &["init", "-q"]);
        for (name, text) in [(".gitignore", "*.o\n"), ("a.c", "int a;"), ("gone.c", "int g;")] {
            fs::write(tree.join(name), text).expect("written");
        }
        git(&tree, &["add", "."]);
        git(&tree, &["commit", "-qm", "first"]);
        fs::write(tree.join("a.c"), "int changed;").expect("written");
        fs::write(tree.join("new.c"), "int n;").expect("written");
        fs::write(tree.join("a.o"), "object").expect("written");
        fs::remove_file(tree.join("gone.c")).expect("removed");
        let before = held(&tree);
        let site = site(dir.path(), &tree);
        let copy = site.copy_of(&tree).expect("a copy");
        let names = |dir: &Path| held(dir).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        assert_eq!(names(&copy), [".gitignore", "a.c", "new.c"].map(PathBuf::from));
        assert_eq!(fs::read_to_string(copy.join("a.c")).expect("text"), "int changed;");
        fs::remove_file(tree.join("new.c")).expect("removed");
        site.copy_of(&tree).expect("a copy");
        assert_eq!(names(&copy), [".gitignore", "a.c"].map(PathBuf::from), "what is gone goes");
        fs::write(tree.join("new.c"), "int n;").expect("written");
        let sizes =
            |held: &[(PathBuf, u64, _)]| held.iter().map(|(n, l, _)| (n.clone(), *l)).collect::<Vec<_>>();
        assert_eq!(sizes(&held(&tree)), sizes(&before), "the user's tree is as it was, its .git too");
    }

    #[test]
    fn a_commit_is_checked_out_without_a_trace_in_its_repository() {
        let dir = tempfile::tempdir().expect("a directory");
        let repo = dir.path().join("repo");
        fs::create_dir(&repo).expect("made");
        git(&repo, &["init", "-q"]);
        for text in ["one", "two"] {
            fs::write(repo.join("a.c"), text).expect("written");
            fs::write(repo.join("b.c"), "same").expect("written");
            git(&repo, &["add", "."]);
            git(&repo, &["commit", "-qm", text]);
        }
        let linked = dir.path().join("linked");
        git(&repo, &["worktree", "add", "-q", "--detach", linked.to_str().expect("text")]);
        let before = (held(&repo), held(&linked));
        let site = site(dir.path(), &linked);
        let commit = |name: &str| git::ask(&linked, &["rev-parse", name]).expect("a commit");
        let source = site.check_out(&linked, &commit("HEAD~1")).expect("checked out");
        assert_eq!(fs::read_to_string(source.join("a.c")).expect("text"), "one");
        let time = |name: &str| fs::metadata(source.join(name)).expect("a file").modified().expect("a time");
        let unchanged = time("b.c");
        fs::write(source.join("left.c"), "of a series").expect("written");
        site.check_out(&linked, &commit("HEAD")).expect("checked out");
        assert_eq!(fs::read_to_string(source.join("a.c")).expect("text"), "two");
        assert!(!source.join("left.c").exists());
        assert_eq!(time("b.c"), unchanged, "what is the same is not compiled again");
        assert_eq!((held(&repo), held(&linked)), before);
    }

    #[test]
    fn objects_are_kept_unless_make_was_killed_at_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let site = site(dir.path(), dir.path());
        let (objects, at_work) = site.objects().expect("objects");
        fs::write(objects.join("a.o"), "whole").expect("written");
        at_work.ended();
        let (objects, _killed) = site.objects().expect("objects");
        assert!(objects.join("a.o").exists());
        let (objects, _) = site.objects().expect("objects");
        assert!(!objects.join("a.o").exists());
    }
}
