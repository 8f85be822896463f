//! Starts a program that cannot outlive this process, and ends it.
//!
//! Knows process groups, the death signal and inherited descriptors. Knows nothing of QEMU.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getppid};

use crate::interrupt;

/// How often a dying process is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A process in a group of its own. Dropping it kills the group.
pub(crate) struct Process {
    leader: Pid,
    child: Child,
    status: Option<ExitStatus>,
}

/// What to start.
pub(crate) struct Start<'a> {
    pub program: &'a Path,
    pub arguments: Vec<OsString>,
    /// Descriptors that it inherits under their numbers, closed here once it has them.
    pub inherited: Vec<OwnedFd>,
    pub stderr: OwnedFd,
}

impl Process {
    /// Starts it.
    pub fn start(start: Start<'_>) -> io::Result<Self> {
        let (answer, answered) = channel();
        let order = Order {
            program: start.program.to_owned(),
            arguments: start.arguments,
            inherited: start.inherited,
            stderr: start.stderr,
            answer,
        };
        STARTER.lock().unwrap_or_else(PoisonError::into_inner).send(order).expect("the starter never ends");
        let child = answered.recv().expect("the starter never ends")?;
        Ok(Process { leader: pid_of(&child), child, status: None })
    }

    /// The process id, which is the group's too.
    pub fn id(&self) -> Pid {
        self.leader
    }

    /// Waits at most until `until` for its end.
    pub fn wait(&mut self, until: Instant) -> Option<ExitStatus> {
        loop {
            if self.status.is_some() || self.has_ended() {
                return self.reap();
            }
            if Instant::now() >= until {
                return None;
            }
            thread::sleep(LOOK);
        }
    }

    /// Kills the whole group and waits for its end.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        self.reap()
    }

    fn has_ended(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
        !matches!(waitid(Id::Pid(self.leader), flags), Ok(WaitStatus::StillAlive))
    }

    fn reap(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            let mut registry = interrupt::registry();
            // The leader may have left others of its group behind.
            let _ = killpg(self.leader, Signal::SIGKILL);
            self.status = self.child.wait().ok();
            registry.remove_group(self.leader);
        }
        self.status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reap();
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a process id fits"))
}

struct Order {
    program: PathBuf,
    arguments: Vec<OsString>,
    inherited: Vec<OwnedFd>,
    stderr: OwnedFd,
    answer: Sender<io::Result<Child>>,
}

/// The one thread that forks. The death signal is sent when the *thread* that forked ends
/// (prctl(2), PR_SET_PDEATHSIG), so it must be one that ends with the process.
static STARTER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (sender, orders) = channel();
    thread::Builder::new()
        .name("starter".into())
        .spawn(move || serve(&orders))
        .expect("a thread can be made");
    Mutex::new(sender)
});

fn serve(orders: &Receiver<Order>) {
    for order in orders {
        let answer = order.answer.clone();
        let mut registry = interrupt::registry();
        let started = order.start();
        if let Ok(child) = &started {
            registry.add_group(pid_of(child));
        }
        drop(registry);
        if let Err(nobody) = answer.send(started)
            && let Ok(child) = nobody.0
        {
            drop(Process { leader: pid_of(&child), child, status: None });
        }
    }
}

impl Order {
    fn start(self) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(self.stderr))
            .process_group(0);
        let inherited: Vec<i32> = self.inherited.iter().map(AsRawFd::as_raw_fd).collect();
        let parent = nix::unistd::getpid();
        // SAFETY: between fork and exec only async-signal-safe system calls are made, and nothing
        // is allocated: the vector was made before, the errors are numbers.
        unsafe { command.pre_exec(move || prepare(parent, &inherited)) };
        command.spawn()
    }
}

/// Runs in the child.
fn prepare(parent: Pid, inherited: &[i32]) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != parent {
        // The parent died before the line above.
        return Err(io::Error::from_raw_os_error(nix::libc::ESRCH));
    }
    // A program that dumps core would leave a file.
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    for &fd in inherited {
        // SAFETY: the order holds these descriptors open until the child has run.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    }
    Ok(())
}
