//! What has to go when this process goes: the one list of process groups and directories, and the
//! end that a signal brings.
//!
//! Every guest and every run directory enters itself here and takes itself out again. The list is
//! locked over a start, so that after a signal nothing new begins.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

/// What has to go.
#[derive(Default)]
pub(crate) struct Registry {
    groups: BTreeSet<Pid>,
    directories: BTreeSet<PathBuf>,
    hooks: Vec<Box<dyn FnOnce() + Send>>,
}

impl Registry {
    /// Enters a process group that was just started, led by a child of this process.
    pub fn add_group(&mut self, leader: Pid) {
        self.groups.insert(leader);
    }

    /// Takes out a process group. The caller reaps its leader before it lets go of the lock, so that
    /// a number that has become another's is never signalled.
    pub fn remove_group(&mut self, leader: Pid) {
        self.groups.remove(&leader);
    }

    /// Enters a directory that was just made.
    pub fn add_directory(&mut self, path: &Path) {
        self.directories.insert(path.to_owned());
    }

    /// Takes out a directory that was removed.
    pub fn remove_directory(&mut self, path: &Path) {
        self.directories.remove(path);
    }

    fn end_all(&mut self) {
        for hook in self.hooks.drain(..) {
            hook();
        }
        for &leader in &self.groups {
            let _ = killpg(leader, Signal::SIGKILL);
        }
        for &leader in &self.groups {
            // Its sockets are closed once it is dead: only then can nothing appear any more.
            let _ = waitid(Id::Pid(leader), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        }
        for directory in &self.directories {
            let _ = fs::remove_dir_all(directory);
        }
    }
}

/// The list. Held while a guest is started or ended, or a directory made.
pub(crate) fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has SIGINT, SIGTERM and SIGHUP end this process in good order: hooks, guests, directories, then
/// exit with 128 plus the signal's number (130 for SIGINT). For `main` to call once, before the
/// first guest; a second call does nothing.
///
/// # Errors
/// If the handlers cannot be installed.
pub fn cleanup_on_signals() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| result = install());
    result
}

/// Has `hook` called when a signal ends this process, before anything is killed: to restore a
/// terminal or to say what was interrupted. It must not start or drop a guest.
pub fn at_interrupt(hook: impl FnOnce() + Send + 'static) {
    registry().hooks.push(Box::new(hook));
}

fn install() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Never let go: who waits for the list must not start anything more.
            let mut registry = registry();
            registry.end_all();
            process::exit(128 + signal);
        }
    })?;
    Ok(())
}
