//! What has to go when this process goes: the one list of process groups and directories, and the
//! end that a signal brings.
//!
//! Every program that is started and every directory of a run enters itself here and takes itself out again. The list is
//! locked over a start, so that after a signal nothing new begins. Work that stops by itself and
//! clears up (a build) says so by [`orderly`]; which signal it was stays known ([`caught`]).
//!
//! docs/signals.md is the table of what each signal does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal, killpg, signal};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use signal_hook::iterator::Signals;

use crate::ending::{GRACE, Manner, wait_for, with_remedy};

/// The signals that end this process in good order: all that would end it anyway and can be caught,
/// but for SIGPIPE, which Rust ignores, and SIGXFSZ (see [`cleanup_on_signals`]).
pub const ENDING: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGABRT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGTERM,
    Signal::SIGXCPU,
];

/// How long the last words may take: who reads them may have stopped reading.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How often a directory is tried to be removed, and the pause between.
const REMOVALS: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

/// Raised by the first signal.
static RAISED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

type Hook = Box<dyn FnOnce(Signal) -> Option<u8> + Send>;

/// What has to go.
#[derive(Default)]
pub(crate) struct Registry {
    groups: BTreeMap<Pid, Manner>,
    directories: BTreeSet<PathBuf>,
    hooks: Vec<Hook>,
    listening: bool,
    /// How many works stop by themselves.
    orderly: usize,
    caught: Option<Signal>,
}

impl Registry {
    /// Enters a process group that was just started, led by a child of this process.
    pub fn add_group(&mut self, leader: Pid, manner: Manner) {
        self.groups.insert(leader, manner);
    }

    /// Takes out a process group. The caller reaps its leader before it lets go of the lock, so that
    /// a number that has become another's is never signalled.
    pub fn remove_group(&mut self, leader: Pid) {
        self.groups.remove(&leader);
    }

    /// Gives the exit status.
    fn end_all(&mut self, signal: Signal) -> u8 {
        let told = say_last_words(mem::take(&mut self.hooks), signal);
        for (&leader, manner) in &self.groups {
            let _ = killpg(leader, manner.signal());
        }
        let until = Instant::now() + GRACE;
        for (&leader, _) in self.groups.iter().filter(|(_, manner)| **manner == Manner::Ask) {
            wait_for(leader, until);
        }
        for &leader in self.groups.keys() {
            let _ = killpg(leader, Signal::SIGKILL);
            // Its sockets are closed once it is dead: only then can nothing appear any more.
            let _ = waitid(Id::Pid(leader), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        }
        for directory in &self.directories {
            remove(directory);
        }
        told.unwrap_or(128 + signal as u8)
    }
}

/// Removes a directory. What was killed a moment ago may still put something into it.
fn remove(directory: &Path) {
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => thread::sleep(PAUSE),
            _ => return,
        }
    }
}

/// Calls the hooks, and waits for them so long as they may take. Gives the exit status that one of them told.
fn say_last_words(hooks: Vec<Hook>, signal: Signal) -> Option<u8> {
    let (said, done) = channel();
    let words = move || {
        let told: Vec<_> = hooks.into_iter().filter_map(|hook| hook(signal)).collect();
        let _ = said.send(told.first().copied());
    };
    // Where no thread can be had they go unsaid: what is to be killed is more important.
    thread::Builder::new().name("last words".into()).spawn(words).ok()?;
    done.recv_timeout(LAST_WORDS).ok().flatten()
}

/// Makes a directory and enters it: a signal finds both or neither. `make` gives what holds it, and `path`
/// says where it is.
///
/// # Errors
/// Those of `make`.
pub fn enter<T>(make: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> &Path) -> io::Result<T> {
    let mut registry = registry();
    let made = make()?;
    registry.directories.insert(path(&made).to_owned());
    Ok(made)
}

/// Takes out a directory that was removed, or is to stay.
pub fn leave(directory: &Path) {
    registry().directories.remove(directory);
}

/// The list. Held while a program is started or ended, or a directory made.
pub(crate) fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the signals of [`ENDING`] end this process in good order: hooks, guests, directories, then exit
/// with 128 plus the first one's number (130 for SIGINT). For `main` to call before the first guest;
/// a second call does nothing. A file that may not grow any more (SIGXFSZ) becomes an error of who
/// writes it.
///
/// # Errors
/// If the handlers cannot be installed, or no thread be made for them.
pub fn cleanup_on_signals() -> io::Result<()> {
    let mut registry = registry();
    if registry.listening {
        return Ok(());
    }
    let mut signals = Signals::new(ENDING.map(|signal| signal as i32))?;
    // SAFETY: no handler is installed, the signal is only ignored.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever().filter_map(|number| Signal::try_from(number).ok()) {
                end(signal);
            }
        })
        .map_err(with_remedy)?;
    registry.listening = true;
    Ok(())
}

fn end(signal: Signal) {
    let mut registry = registry();
    let first = *registry.caught.get_or_insert(signal);
    RAISED.store(true, Ordering::SeqCst);
    if registry.orderly == 0 {
        // Never let go: who waits for the list must not start anything more.
        let status = registry.end_all(first);
        process::exit(status.into());
    }
}

/// Has `hook` called when a signal ends this process, before anything is killed: to say what was
/// interrupted. Where it gives an exit status, because one was told already, the process ends with that. It
/// must not start or drop a guest; what takes it longer than some seconds is not waited for.
pub fn at_interrupt(hook: impl FnOnce(Signal) -> Option<u8> + Send + 'static) {
    registry().hooks.push(Box::new(hook));
}

/// The first signal of [`ENDING`] that came.
pub fn caught() -> Option<Signal> {
    registry().caught
}

/// Work that sees by itself that a signal came, stops and clears up: while this is held a signal ends
/// nothing, and the caller returns to `main`, which exits with 128 plus the number of [`caught`].
#[derive(Debug)]
pub struct Orderly(());

/// Begins such work.
pub fn orderly() -> Orderly {
    registry().orderly += 1;
    Orderly(())
}

impl Orderly {
    /// Raised once a signal came.
    pub fn raised(&self) -> Arc<AtomicBool> {
        Arc::clone(&RAISED)
    }

    /// Ends the work; from now on a signal ends the process.
    ///
    /// # Errors
    /// The signal that came before: the caller returns to `main`.
    pub fn done(self) -> Result<(), Signal> {
        let mut registry = registry();
        if let Some(signal) = registry.caught {
            drop(registry);
            return Err(signal);
        }
        registry.orderly -= 1;
        mem::forget(self);
        Ok(())
    }
}

impl Drop for Orderly {
    fn drop(&mut self) {
        registry().orderly -= 1;
    }
}
