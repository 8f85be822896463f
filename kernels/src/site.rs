//! Where revisions of a repository of the user's are built: a source of our own, and objects that are kept, so that the
//! next revision compiles what is different. A tree is copied where it cannot be built from as it stands; of it no
//! objects are kept, because the times of its files are the user's.
//!
//! ```text
//! trees/NAME-HASH/source/            a revision checked out
//! trees/NAME-HASH/objects-OPTIONS/   what make leaves, for each set of options
//! trees/NAME-HASH/*.unfinished       there while make runs: what it left is not taken
//! ```
//!
//! Reads the user's tree or repository; never writes to it.

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

/// How many hexadecimal digits of a digest stand in a name.
const HASH_LENGTH: usize = 8;
const SOURCE: &str = "source";
/// What make leaves beside the sources.
const PRODUCTS: [&str; 7] = ["o", "ko", "cmd", "a", "mod", "order", "symvers"];

/// The place of one repository, held by this process.
#[derive(Debug)]
pub(crate) struct Site {
    dir: PathBuf,
    _lock: Lock,
}

/// make at work: what it leaves is taken for objects only once this was told that it ended well.
#[derive(Debug)]
pub(crate) struct AtWork(PathBuf);

impl AtWork {
    /// make has ended well: what it left is whole.
    pub(crate) fn ended(self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Site {
    /// The place of a repository, which another process may have to leave first.
    pub(crate) fn of(cache: &Cache, repo: &Path, progress: &mut dyn Progress) -> Result<Self, CacheError> {
        let whole = repo.canonicalize().unwrap_or_else(|_| repo.to_owned());
        let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let hash = short(whole.as_os_str().as_bytes());
        let dir = cache.trees().join(format!("{}-{hash}", crate::cache::plain(&name)));
        fs::create_dir_all(&dir).map_err(CacheError::io("make the directory", &dir))?;
        let what = format!("the repository {}", repo.display());
        let lock = Lock::take(&dir.join(".lock"), &what, progress)?;
        Ok(Self { dir, _lock: lock })
    }

    /// The directory of the objects that are made with these options, and the mark that make is at work in it. What a
    /// make left that was killed, or that failed, is removed: an object cut short would be taken for one.
    pub(crate) fn objects(&self, options: &str) -> Result<(PathBuf, AtWork), CacheError> {
        let name = format!("objects-{}", short(options.as_bytes()));
        let (objects, mark) = (self.dir.join(&name), self.dir.join(format!("{name}.unfinished")));
        if mark.exists() && objects.exists() {
            fs::remove_dir_all(&objects).map_err(CacheError::io("remove the leftover", &objects))?;
        }
        fs::write(&mark, "").map_err(CacheError::io("write", &mark))?;
        fs::create_dir_all(&objects).map_err(CacheError::io("make the directory", &objects))?;
        Ok((objects, AtWork(mark)))
    }

    /// A commit checked out; of files that are the same as before the times stay.
    pub(crate) fn check_out(&self, repo: &Path, commit: &str) -> Result<PathBuf, KernelError> {
        let source = self.repository(repo)?;
        git::ask_on(&source, &["checkout", "-q", "--force", "--detach", commit])?;
        git::ask_on(&source, &["clean", "-q", "-ffdx"])?;
        Ok(source)
    }

    /// The directory of the source, with a repository of our own that takes its objects from where they are; nothing
    /// is written there.
    pub(crate) fn repository(&self, repo: &Path) -> Result<PathBuf, KernelError> {
        let source = self.dir.join(SOURCE);
        if source.exists() && git::ask_on(&source, &["rev-parse", "--git-dir"]).is_err() {
            fs::remove_dir_all(&source).map_err(CacheError::io("remove the damaged", &source))?;
        }
        fs::create_dir_all(&source).map_err(CacheError::io("make the directory", &source))?;
        git::ask_on(&source, &["init", "-q"])?;
        let objects = git::ask(repo, &["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
        let alternates = source.join(".git/objects/info/alternates");
        fs::write(&alternates, format!("{objects}\n")).map_err(CacheError::io("write", &alternates))?;
        Ok(source)
    }
}

/// A digest that is part of a name.
fn short(bytes: &[u8]) -> String {
    let mut hash = digest::of_bytes(bytes);
    hash.truncate(HASH_LENGTH);
    hash
}

/// Copies a tree that was built in place into `source`, where nothing is yet, without what was built. `scratch` is for
/// what make keeps for a moment.
pub(crate) fn copy_of(tree: &Path, source: &Path, scratch: &Path) -> Result<(), KernelError> {
    let is_repository = git::is_repository(tree);
    let wanted: BTreeSet<PathBuf> = match is_repository {
        true => {
            let listed = git::ask(tree, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
            listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect()
        }
        false => files_below(tree)?.into_iter().filter(|file| !is_product(file)).collect(),
    };
    for file in &wanted {
        let from = tree.join(file);
        // One that is deleted and not yet committed is listed, and so is a repository within.
        if fs::symlink_metadata(&from).is_ok_and(|kind| !kind.is_dir()) {
            tree::copy(&from, &source.join(file), &|_| true)?;
        }
    }
    match is_repository {
        true => Ok(()),
        false => mrproper(source, scratch),
    }
}

/// Takes away what names alone do not show to be built.
fn mrproper(source: &Path, scratch: &Path) -> Result<(), KernelError> {
    let mut make = crate::make::command(source, scratch, crate::manifest::Compiler::Gcc, 1);
    make.arg("mrproper");
    let output =
        process::output(make, Manner::Ask, None).map_err(CacheError::io("run make mrproper in", source))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CacheError::io("clean the copy in", source)(std::io::Error::other(said)).into())
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
        let copy = dir.path().join("copy");
        copy_of(&tree, &copy, dir.path()).expect("a copy");
        let names = |dir: &Path| held(dir).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        assert_eq!(names(&copy), [".gitignore", "a.c", "new.c"].map(PathBuf::from));
        assert_eq!(fs::read_to_string(copy.join("a.c")).expect("text"), "int changed;");
        assert_eq!(held(&tree), before, "the user's tree is as it was, its .git too");
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
        fs::write(source.join("added.c"), "of a series").expect("written");
        git(&source, &["add", "added.c"]);
        site.check_out(&linked, &commit("HEAD")).expect("checked out");
        assert_eq!(fs::read_to_string(source.join("a.c")).expect("text"), "two");
        assert!(!source.join("left.c").exists() && !source.join("added.c").exists());
        assert_eq!(time("b.c"), unchanged, "what is the same is not compiled again");
        assert_eq!((held(&repo), held(&linked)), before);
    }

    #[test]
    fn a_repository_above_the_cache_is_left_alone_when_that_of_the_source_is_damaged() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = dir.path().join("home");
        fs::create_dir(&home).expect("made");
        git(&home, &["init", "-q"]);
        fs::write(home.join("mine"), "committed").expect("written");
        git(&home, &["add", "."]);
        git(&home, &["commit", "-qm", "mine"]);
        fs::write(home.join("mine"), "not committed").expect("written");
        let site = site(&home, &home);
        let commit = git::ask(&home, &["rev-parse", "HEAD"]).expect("a commit");
        let source = site.check_out(&home, &commit).expect("checked out");
        fs::write(source.join(".git/HEAD"), "damaged").expect("written");
        site.check_out(&home, &commit).expect("made anew and checked out");
        assert_eq!(fs::read_to_string(home.join("mine")).expect("text"), "not committed");
        assert!(home.join("cache").exists(), "what git does not know is not cleaned away");
    }

    #[test]
    fn objects_are_kept_by_their_options_unless_make_was_killed_at_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let site = site(dir.path(), dir.path());
        let (objects, at_work) = site.objects("CONFIG_A=y").expect("objects");
        fs::write(objects.join("a.o"), "whole").expect("written");
        at_work.ended();
        let (others, _killed) = site.objects("CONFIG_A=m").expect("objects");
        assert!(!others.join("a.o").exists());
        let (objects, _killed) = site.objects("CONFIG_A=y").expect("objects");
        assert!(objects.join("a.o").exists());
        let (objects, _) = site.objects("CONFIG_A=y").expect("objects");
        assert!(!objects.join("a.o").exists());
    }
}
