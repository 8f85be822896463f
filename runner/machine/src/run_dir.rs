//! A short-named directory for the sockets of one run, which goes away with the run.
//!
//! Three ways lead to its end: its drop, a signal ([`interrupt`]), and for a run that was
//! killed outright the next run, which sweeps what nobody holds any more. Owns the directory, its
//! name and the marker in it; what else is put into it is the caller's. Removes nothing that has no
//! such marker: a directory of the same form of name may be anybody's.

use std::env;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::geteuid;
use scrubjay_host::interrupt;
use tempfile::TempDir;

use crate::command::{SpecError, socket_path};
use crate::spec::LONGEST_SOCKET_PATH;

/// What every such directory's name begins with.
const PREFIX: &str = "sj-";

/// Random characters after the prefix.
const RANDOM: usize = 6;

/// Room for a socket's name after the directory's.
const NAME: usize = 24;

/// The file that says whose a directory is. Its lock is held as long as the run lives.
const MARKER: &str = ".scrubjay-run";

/// What the marker says, for who comes upon it. A directory with another text in it is another's.
const WORDS: &str = "Sockets of one run of scrubjay. While this file is locked the run lives; the next run removes the \
                     directory once it is not.\n";

/// Why there is no directory for a run.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// It could not be made.
    #[error(
        "a directory for sockets in {base}: cannot be made; make room or set TMPDIR to a directory that can be written"
    )]
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
    _marker: File,
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
        sweep(base);
        let failed = |source| RunDirError::Make { base: base.to_owned(), source };
        let private = || Permissions::from_mode(0o700);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).rand_bytes(RANDOM).permissions(private());
        let make = || {
            let dir = builder.tempdir_in(base)?;
            // Whatever the umask took away.
            fs::set_permissions(dir.path(), private())?;
            let marker = mark(dir.path())?;
            Ok((dir, marker))
        };
        let (dir, marker) = interrupt::enter(make, |(dir, _)| dir.path()).map_err(failed)?;
        Ok(RunDir { dir, _marker: marker })
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
        interrupt::leave(self.dir.path());
    }
}

/// Puts the marker into a new directory. It gets its name when it is locked already, so that whoever
/// sees it sees that the run lives.
fn mark(dir: &Path) -> io::Result<File> {
    let unnamed = dir.join(".new");
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&unnamed)?;
    file.try_lock()?;
    file.write_all(WORDS.as_bytes())?;
    fs::rename(&unnamed, dir.join(MARKER))?;
    Ok(file)
}

/// Removes the directories of this user's runs that ended without removing them. What cannot be
/// looked at or removed is left for another day.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| is_named_so(path)) {
        if let Some(_abandoned) = marker_of(&path).filter(|marker| marker.try_lock().is_ok())
            && fs::remove_dir_all(&path).is_ok()
        {
            tracing::debug!(path = %path.display(), "removed what a killed run had left");
        }
    }
}

fn is_named_so(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix(PREFIX))
        .is_some_and(|random| random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The marker of a directory that a run of this user made; none where anything about it is otherwise.
fn marker_of(dir: &Path) -> Option<File> {
    let user = geteuid().as_raw();
    let is = |m: &fs::Metadata, mode| m.uid() == user && m.mode() & 0o777 == mode;
    // A link to a directory is none.
    dir.symlink_metadata().ok().filter(|m| m.is_dir() && is(m, 0o700))?;
    let file =
        File::options().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(dir.join(MARKER)).ok()?;
    file.metadata().ok().filter(|m| m.is_file() && is(m, 0o600))?;
    let mut said = String::new();
    Read::by_ref(&mut &file).take(2 * WORDS.len() as u64).read_to_string(&mut said).ok()?;
    (said == WORDS).then_some(file)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_directory_goes_with_all_that_is_in_it() {
        let base = tempfile::tempdir().unwrap();
        let run = RunDir::new_in(base.path()).unwrap();
        fs::write(run.socket("device0").unwrap(), "").unwrap();
        drop(run);
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }

    /// A directory as a run that was killed leaves it.
    fn abandoned(base: &Path, name: &str) -> PathBuf {
        let dir = base.join(name);
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
        drop(mark(&dir).unwrap());
        fs::write(dir.join("device0"), "").unwrap();
        dir
    }

    #[test]
    fn what_a_killed_run_left_is_swept_at_once_and_what_a_living_run_holds_is_not() {
        let base = tempfile::tempdir().unwrap();
        let living = RunDir::new_in(base.path()).unwrap();
        let left = abandoned(base.path(), "sj-aB3dE6");
        drop(RunDir::new_in(base.path()).unwrap());
        assert!(living.path().is_dir(), "in use");
        assert!(!left.exists(), "nobody's");
    }

    #[rstest]
    #[case::a_users_folder("sj-backup", |dir: &Path| fs::remove_file(dir.join(MARKER)).unwrap())]
    #[case::a_users_folder_of_a_year("sj-photos", |dir: &Path| {
        fs::create_dir(dir.join("2024")).unwrap();
        fs::remove_file(dir.join(MARKER)).unwrap();
    })]
    #[case::a_name_of_another_form("sj-backups", |_: &Path| {})]
    #[case::another_text_in_the_marker("sj-aB3dE6", |dir: &Path| fs::write(dir.join(MARKER), "mine").unwrap())]
    #[case::more_than_the_text("sj-aB3dE6", |dir: &Path| fs::write(dir.join(MARKER), format!("{WORDS}and more")).unwrap())]
    #[case::a_marker_that_is_a_link("sj-aB3dE6", |dir: &Path| {
        fs::rename(dir.join(MARKER), dir.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", dir.join(MARKER)).unwrap();
    })]
    #[case::a_marker_that_is_a_directory("sj-aB3dE6", |dir: &Path| {
        fs::remove_file(dir.join(MARKER)).unwrap();
        fs::create_dir(dir.join(MARKER)).unwrap();
    })]
    #[case::a_marker_that_is_a_pipe("sj-aB3dE6", |dir: &Path| {
        fs::remove_file(dir.join(MARKER)).unwrap();
        nix::unistd::mkfifo(&dir.join(MARKER), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    })]
    #[case::a_directory_that_others_may_enter("sj-aB3dE6", |dir: &Path| {
        fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
    })]
    fn nothing_but_what_a_run_made_is_swept(#[case] name: &str, #[case] change: fn(&Path)) {
        let base = tempfile::tempdir().unwrap();
        let dir = abandoned(base.path(), name);
        change(&dir);
        drop(RunDir::new_in(base.path()).unwrap());
        assert!(dir.join("device0").exists());
    }

    #[test]
    fn a_link_to_what_a_run_left_is_not_followed() {
        let base = tempfile::tempdir().unwrap();
        let elsewhere = abandoned(base.path(), "elsewhere");
        let link = base.path().join("sj-aB3dE6");
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        drop(RunDir::new_in(base.path()).unwrap());
        assert!(link.is_symlink() && elsewhere.join("device0").exists());
    }

    #[test]
    fn a_directory_is_for_its_user_alone() {
        let base = tempfile::tempdir().unwrap();
        let run = RunDir::new_in(base.path()).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!((mode(run.path()), mode(&run.path().join(MARKER))), (0o700, 0o600));
    }

    #[test]
    fn a_base_with_too_long_a_name_is_refused_by_name() {
        let base = PathBuf::from(format!("/tmp/{}", "x".repeat(90)));
        let error = RunDir::new_in(&base).unwrap_err();
        assert!(matches!(error, RunDirError::TooLong { .. }));
        assert!(error.to_string().contains("xxx") && error.to_string().contains("107"), "{error}");
    }
}
