//! The cache on disk: its layout, its locks, and work directories that never look like results.
//!
//! ```text
//! ${XDG_CACHE_HOME:-~/.cache}/scrubjay/
//!   downloads/FILE                         what was fetched
//!   downloads/FILE.part, FILE.part.of      what is on its way, and which version of it
//!   downloads/.lock-FILE                   held while it comes
//!   kernels/ID-RECIPE/                     a kernel; it has this name only when it is whole
//!   kernels/.work-ID-RECIPE/               a kernel in the making; removed at the end, or by whoever comes next
//!   kernels/.lock-ID-RECIPE                held while it is made
//!   trees/NAME-HASH/                       a repository of the user's: see `site`
//!   modules/ID-RECIPE/                     modules that were built anew against that kernel's tree, in the same way
//! ```
//!
//! Knows names and locks; fetches and builds nothing.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use scrubjay_host::{cache, interrupt};

use crate::digest;
use crate::progress::Progress;

/// The directory in which everything is kept that can be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

/// What is wrong with the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Neither XDG_CACHE_HOME nor HOME says where it is.
    #[error("neither XDG_CACHE_HOME nor HOME is set to an absolute path, so there is no cache; set one")]
    NoHome,
    /// A file or directory of the cache cannot be made, read or removed.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why; a full disk shows here.
        source: std::io::Error,
    },
    /// The caller asked to stop while another process held the lock.
    #[error("interrupted while waiting for another process")]
    Interrupted,
}

impl CacheError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

impl Cache {
    /// The user's cache: `scrubjay` below `XDG_CACHE_HOME`, or below `.cache` in `HOME`.
    ///
    /// # Errors
    /// [`CacheError::NoHome`].
    pub fn for_user() -> Result<Self, CacheError> {
        cache::directory().map(Self::at).ok_or(CacheError::NoHome)
    }

    /// A cache in that directory; it is made when first written to.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where downloads are kept.
    pub fn downloads(&self) -> PathBuf {
        self.root.join("downloads")
    }

    /// Where kernels are kept.
    pub fn kernels(&self) -> PathBuf {
        self.root.join("kernels")
    }

    /// Where revisions of the user's repositories are built.
    pub(crate) fn trees(&self) -> PathBuf {
        self.root.join("trees")
    }

    /// The directory of one kernel: there when it is whole, else not.
    pub fn entry(&self, id: &str, recipe: &str) -> PathBuf {
        self.shelf().entry(&Self::name(id, recipe))
    }

    /// Where kernels are kept.
    pub(crate) fn shelf(&self) -> Shelf {
        Shelf { dir: self.kernels() }
    }

    /// Where modules are kept that were built against a kernel's tree.
    pub(crate) fn modules_of(&self, id: &str, recipe: &str) -> Shelf {
        Shelf { dir: self.root.join("modules").join(Self::name(id, recipe)) }
    }

    /// What an entry of a kernel is called.
    pub(crate) fn name(id: &str, recipe: &str) -> String {
        format!("{}-{recipe}", plain(id))
    }
}

/// The longest name that a file has of what a user calls something: what is put before and behind it has room too.
const LONGEST_NAME: usize = 64;

/// What a user calls something, as the name of a file; of a long one the beginning, and a digest of all of it.
pub(crate) fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut plain: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    if plain.len() > LONGEST_NAME {
        let digest = digest::of_bytes(name.as_bytes());
        plain.truncate(LONGEST_NAME - 9);
        plain += &format!("-{}", &digest[..8]);
    }
    plain
}

/// A directory of entries that are made once, each by one process at a time.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// The place of one entry: there when it is whole, else not.
    pub(crate) fn entry(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Takes the lock of one entry, and clears away whatever unfinished work of a dead process lies about. `what` is
    /// told where another process has to be waited for.
    pub(crate) fn lock(
        &self,
        name: &str,
        what: &str,
        progress: &mut dyn Progress,
    ) -> Result<Lock, CacheError> {
        fs::create_dir_all(&self.dir).map_err(CacheError::io("make the directory", &self.dir))?;
        let lock = Lock::take(&self.dir.join(format!(".lock-{name}")), what, progress)?;
        self.sweep(name)?;
        Ok(lock)
    }

    /// A fresh work directory; the caller holds the lock.
    pub(crate) fn work(&self, name: &str) -> Result<WorkDir, CacheError> {
        let path = self.dir.join(format!(".work-{name}"));
        let make = || fs::create_dir_all(&path).map(|()| path.clone());
        let path =
            interrupt::enter(make, PathBuf::as_path).map_err(CacheError::io("make the directory", &path))?;
        Ok(WorkDir { path })
    }

    /// Removes work directories that nobody works in: the one whose lock the caller holds, and those whose lock is
    /// free.
    fn sweep(&self, held: &str) -> Result<(), CacheError> {
        let dir = &self.dir;
        for entry in fs::read_dir(dir).map_err(CacheError::io("read the directory", dir))? {
            let path = entry.map_err(CacheError::io("read the directory", dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(suffix) = name.strip_prefix(".work-") else { continue };
            let _free = if suffix == held {
                None
            } else {
                match Lock::try_take(&dir.join(format!(".lock-{suffix}")))? {
                    Some(lock) => Some(lock),
                    None => continue,
                }
            };
            fs::remove_dir_all(&path).map_err(CacheError::io("remove the leftover", &path))?;
        }
        Ok(())
    }
}

/// A lock between processes; free again when dropped, or when its process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    const POLL: Duration = Duration::from_millis(100);

    /// Waits for the lock, with a note when it has to.
    pub(crate) fn take(path: &Path, what: &str, progress: &mut dyn Progress) -> Result<Self, CacheError> {
        let mut said = false;
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
            if progress.cancelled() {
                return Err(CacheError::Interrupted);
            }
            if !said {
                progress.note(&format!("another process is at {what}; waiting for it"));
                said = true;
            }
            std::thread::sleep(Self::POLL);
        }
    }

    /// The lock, or nothing when another holds it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, CacheError> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(CacheError::io("make the directory", dir))?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(CacheError::io("open the lock", path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => {
                Err(CacheError::Io { what: "take the lock", path: path.to_owned(), source })
            }
        }
    }
}

/// A directory for unfinished work, removed with all that is in it when dropped.
#[derive(Debug)]
pub(crate) struct WorkDir {
    path: PathBuf,
}

impl WorkDir {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the subdirectory `name` its final place, in one step.
    pub(crate) fn publish(self, name: &str, entry: &Path) -> Result<(), CacheError> {
        let from = self.path.join(name);
        if entry.exists() {
            // Only a damaged entry is made again.
            let old = self.path.join("damaged");
            fs::rename(entry, &old).map_err(CacheError::io("move away", entry))?;
        }
        fs::rename(&from, entry).map_err(CacheError::io("put in place", entry))
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a work directory is left behind");
        }
        interrupt::leave(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn a_long_name_is_cut_and_stays_one_of_its_own() {
        let long = |end: &str| plain(&format!("tree:/{}/{end}", "deep/".repeat(60)));
        assert_eq!((long("one").len(), long("one")), (LONGEST_NAME, long("one")));
        assert_ne!(long("one"), long("two"));
        assert_eq!(plain("git:/a b@v7.3"), "git--a-b-v7.3");
    }

    #[test]
    fn work_that_is_dropped_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let shelf = Cache::at(dir.path()).shelf();
        let _lock = shelf.lock("7.3-abc", "kernel 7.3", &mut Silent).expect("the lock");
        let work = shelf.work("7.3-abc").expect("a work directory");
        let path = work.path().to_owned();
        fs::write(path.join("half"), "x").expect("written");
        drop(work);
        assert!(!path.exists());
        assert!(!shelf.entry("7.3-abc").exists());
    }

    #[test]
    fn leftovers_of_the_dead_are_swept_and_those_of_the_living_are_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let cache = Cache::at(dir.path());
        let living = cache.shelf().lock("7.2-bbb", "kernel 7.2", &mut Silent).expect("the lock");
        for name in [".work-7.3-aaa", ".work-7.2-bbb", ".work-7.1-ccc", "7.0-ddd"] {
            fs::create_dir_all(cache.kernels().join(name).join("src")).expect("made");
        }
        let _mine = cache.shelf().lock("7.3-aaa", "kernel 7.3", &mut Silent).expect("the lock");
        let left = |name: &str| cache.kernels().join(name).exists();
        assert!(!left(".work-7.3-aaa") && !left(".work-7.1-ccc"), "the dead are swept");
        assert!(left(".work-7.2-bbb") && left("7.0-ddd"), "the living and the whole stay");
        drop(living);
    }

    #[test]
    fn one_kernel_has_one_builder_at_a_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("lock");
        let first = Lock::try_take(&path).expect("no error");
        assert!(first.is_some());
        assert!(Lock::try_take(&path).expect("no error").is_none());
        drop(first);
        assert!(Lock::try_take(&path).expect("no error").is_some());
    }
}
