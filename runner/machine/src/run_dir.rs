//! A short-named directory for the sockets of one run, which goes away with the run.
//!
//! Three ways lead to its end: its drop, a signal ([`crate::interrupt`]), and for a run that was
//! killed outright the next run, which sweeps what nobody holds any more. Owns the directory and
//! its name; what is put into it is the caller's.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::command::{SpecError, socket_path};
use crate::interrupt;
use crate::spec::LONGEST_SOCKET_PATH;

/// What every such directory's name begins with.
const PREFIX: &str = "sj-";

/// Random characters after the prefix.
const RANDOM: usize = 6;

/// Room for a socket's name after the directory's.
const NAME: usize = 24;

/// A directory younger than this may have been made but not yet locked.
const SETTLING: Duration = Duration::from_secs(30);

/// Why there is no directory for a run.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// It could not be made.
    #[error("a directory for sockets in {base}: cannot be made")]
    Make {
        /// Where it should have been.
        base: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no directory with a name short enough.
    #[error(
        "{base}: too long a name for sockets below it, of which {LONGEST_SOCKET_PATH} bytes is the limit; set XDG_RUNTIME_DIR or TMPDIR to a shorter one"
    )]
    TooLong {
        /// The directory that was tried last.
        base: PathBuf,
    },
}

/// A directory for sockets, removed with all that is in it when this is dropped.
#[derive(Debug)]
pub struct RunDir {
    dir: TempDir,
    /// Locked as long as this process lives, so that others see that the directory is in use.
    _lock: File,
}

impl RunDir {
    /// Makes one in `$XDG_RUNTIME_DIR`, else in `$TMPDIR`, else in `/tmp`: the first that is there
    /// and short enough.
    pub fn new() -> Result<Self, RunDirError> {
        let set =
            |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir());
        let bases = [set("XDG_RUNTIME_DIR"), set("TMPDIR"), Some(PathBuf::from("/tmp"))];
        let mut last = None;
        for base in bases.into_iter().flatten() {
            match Self::new_in(&base) {
                Ok(dir) => return Ok(dir),
                Err(error) => last = last.or(Some(error)),
            }
        }
        Err(last.expect("/tmp was tried"))
    }

    /// Makes one in `base`, and first removes there what killed runs of the same user have left.
    pub fn new_in(base: &Path) -> Result<Self, RunDirError> {
        let longest = base.as_os_str().as_bytes().len() + 1 + PREFIX.len() + RANDOM + 1 + NAME;
        if longest > LONGEST_SOCKET_PATH {
            return Err(RunDirError::TooLong { base: base.to_owned() });
        }
        sweep(base, SETTLING);
        let failed = |source| RunDirError::Make { base: base.to_owned(), source };
        // Made and entered under the list's lock: a signal finds both or neither.
        let mut registry = interrupt::registry();
        let dir =
            tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM).tempdir_in(base).map_err(failed)?;
        registry.add_directory(dir.path());
        drop(registry);
        let lock = File::open(dir.path()).map_err(failed)?;
        lock.try_lock().map_err(|e| failed(e.into()))?;
        Ok(RunDir { dir, _lock: lock })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The path for a socket of this name.
    pub fn socket(&self, name: &str) -> Result<PathBuf, SpecError> {
        let path = self.dir.path().join(name);
        socket_path(&path)?;
        Ok(path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // TempDir's own drop does the same without a word; here a failure is at least said.
        if let Err(error) = fs::remove_dir_all(self.dir.path())
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.dir.path().display(), %error, "a run's directory is left");
        }
        interrupt::registry().remove_directory(self.dir.path());
    }
}

/// Removes the directories of this user's runs that ended without removing them. What cannot be
/// looked at or removed is left for another day.
fn sweep(base: &Path, settling: Duration) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| is_ours(path, settling)) {
        let Ok(dir) = File::open(&path) else { continue };
        if dir.try_lock().is_ok() && fs::remove_dir_all(&path).is_ok() {
            tracing::debug!(path = %path.display(), "removed what a killed run had left");
        }
    }
}

fn is_ours(path: &Path, settling: Duration) -> bool {
    let named = path
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix(PREFIX))
        .is_some_and(|random| random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric()));
    named
        && path.symlink_metadata().is_ok_and(|m| {
            let age = m.modified().ok().and_then(|t| t.elapsed().ok()).unwrap_or_default();
            m.is_dir() && m.uid() == geteuid().as_raw() && age >= settling
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_goes_with_all_that_is_in_it() {
        let base = tempfile::tempdir().unwrap();
        let run = RunDir::new_in(base.path()).unwrap();
        fs::write(run.socket("device0").unwrap(), "").unwrap();
        drop(run);
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_left_is_swept_and_what_a_living_run_holds_is_not() {
        let base = tempfile::tempdir().unwrap();
        let living = RunDir::new_in(base.path()).unwrap();
        let left = base.path().join("sj-aB3dE6");
        let foreign = base.path().join("sj-backups");
        for dir in [&left, &foreign] {
            fs::create_dir(dir).unwrap();
        }
        fs::write(left.join("device0"), "").unwrap();
        sweep(base.path(), Duration::ZERO);
        assert!(living.path().is_dir(), "in use");
        assert!(foreign.is_dir(), "not one of ours");
        assert!(!left.exists(), "nobody's");
    }

    #[test]
    fn a_directory_that_was_just_made_is_left_alone() {
        let base = tempfile::tempdir().unwrap();
        let young = base.path().join("sj-aB3dE6");
        fs::create_dir(&young).unwrap();
        sweep(base.path(), SETTLING);
        assert!(young.is_dir());
    }

    #[test]
    fn a_base_with_too_long_a_name_is_refused_by_name() {
        let base = PathBuf::from(format!("/tmp/{}", "x".repeat(90)));
        let error = RunDir::new_in(&base).unwrap_err();
        assert!(matches!(error, RunDirError::TooLong { .. }));
        assert!(error.to_string().contains("xxx") && error.to_string().contains("107"), "{error}");
    }
}
