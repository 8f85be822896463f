//! How a child is ended and its end waited for. Starts none, and keeps no list of them.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// How often a dying process is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(2);

/// How long a program that is asked to end may take.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How a program is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Killed: it has nothing to clear up.
    Kill,
    /// Asked by SIGTERM, and killed where it is not gone after ten seconds.
    Ask,
}

impl Manner {
    pub(crate) fn signal(self) -> Signal {
        match self {
            Manner::Kill => Signal::SIGKILL,
            Manner::Ask => Signal::SIGTERM,
        }
    }
}

/// Whether a child that is not reaped has ended.
pub(crate) fn has_ended(leader: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    !matches!(waitid(Id::Pid(leader), flags), Ok(WaitStatus::StillAlive))
}

/// Waits for the end of a child without reaping it.
pub(crate) fn wait_for(leader: Pid, until: Instant) {
    while !has_ended(leader) && Instant::now() < until {
        thread::sleep(LOOK);
    }
}

/// An error of a process or thread that could not be had, with what helps.
pub(crate) fn with_remedy(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::new(
            error.kind(),
            format!(
                "no further process or thread may be made ({error}); raise `ulimit -u`, or end others of this user"
            ),
        ),
        _ => error,
    }
}
