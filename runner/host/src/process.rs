//! Starts programs that cannot outlive this process, and ends them.
//!
//! Knows process groups, the death signal and inherited descriptors. Knows no program.

use std::io::{self, PipeReader, Read};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getppid};

use crate::ending::{GRACE, LOOK, Manner, has_ended, wait_for, with_remedy};
use crate::interrupt;

/// The most that is kept of what a program writes, in bytes.
const LONGEST_OUTPUT: u64 = 64 << 20;

/// How long after a program's end its output may be held open by one that it started and that left
/// its group.
const TAIL: Duration = Duration::from_secs(2);

/// A process in a group of its own. Dropping it ends the group; so does the end of this process,
/// however that comes.
#[derive(Debug)]
pub struct Process {
    leader: Pid,
    child: Child,
    manner: Manner,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts a program without standard input; where it writes is the caller's to say. It inherits
    /// those descriptors under their numbers; they are closed here once it has them.
    ///
    /// # Errors
    /// It cannot be run, or the user may have no further process.
    pub fn start(command: Command, inherited: Vec<OwnedFd>, manner: Manner) -> io::Result<Self> {
        let (answer, answered) = channel();
        let order = Order { command, inherited, manner, answer };
        let gone = || io::Error::other("the thread that starts programs is gone");
        starter()?.send(order).map_err(|_| gone())?;
        let child = answered.recv().map_err(|_| gone())?.map_err(with_remedy)?;
        Ok(Process { leader: pid_of(&child), child, manner, status: None })
    }

    /// The process id, which is the group's too.
    pub fn id(&self) -> Pid {
        self.leader
    }

    /// Waits at most until `until` for its end.
    pub fn wait(&mut self, until: Instant) -> Option<ExitStatus> {
        while !self.is_over() {
            if Instant::now() >= until {
                return None;
            }
            thread::sleep(LOOK);
        }
        self.end()
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.status.is_some() || has_ended(self.leader)
    }

    /// Ends the whole group and waits for that.
    pub fn end(&mut self) -> Option<ExitStatus> {
        if self.status.is_some() {
            return self.status;
        }
        if self.manner == Manner::Ask && !has_ended(self.leader) {
            let _ = killpg(self.leader, Signal::SIGTERM);
            wait_for(self.leader, Instant::now() + GRACE);
        }
        let mut registry = interrupt::registry();
        // The leader may have left others of its group behind.
        let _ = killpg(self.leader, Signal::SIGKILL);
        self.status = self.child.wait().ok();
        registry.remove_group(self.leader);
        self.status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs a program to its end, and gives what it wrote, of each stream up to 64 MiB.
///
/// # Errors
/// It cannot be run; [`io::ErrorKind::TimedOut`] where it has not ended and closed its output within
/// `patience`, where there is one.
pub fn output(mut command: Command, manner: Manner, patience: Option<Duration>) -> io::Result<Output> {
    let (out, stdout) = io::pipe()?;
    let (err, stderr) = io::pipe()?;
    command.stdout(stdout).stderr(stderr);
    let mut process = Process::start(command, Vec::new(), manner)?;
    let (out, err) = (listen(out)?, listen(err)?);
    let status = match patience {
        Some(patience) => process.wait(Instant::now() + patience),
        None => {
            wait_for_ever(&process);
            process.end()
        }
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, "it did not end in time");
    let status = status.ok_or_else(late)?;
    let whole = |stream: Receiver<io::Result<Vec<u8>>>| match stream.recv_timeout(TAIL) {
        Ok(said) => said,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(late()),
    };
    Ok(Output { status, stdout: whole(out)?, stderr: whole(err)? })
}

fn wait_for_ever(process: &Process) {
    let _ = waitid(Id::Pid(process.leader), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
}

/// All that comes through a pipe once its other end is closed.
fn listen(mut pipe: PipeReader) -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    let (sender, receiver) = channel();
    let read = move || {
        let mut said = Vec::new();
        let whole = Read::by_ref(&mut pipe)
            .take(LONGEST_OUTPUT)
            .read_to_end(&mut said)
            .and_then(|_| io::copy(&mut pipe, &mut io::sink()));
        // Nobody waits any more where the deadline is over.
        let _ = sender.send(whole.map(|_| said));
    };
    thread::Builder::new().name("output".into()).spawn(read).map_err(with_remedy)?;
    Ok(receiver)
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

struct Order {
    command: Command,
    inherited: Vec<OwnedFd>,
    manner: Manner,
    answer: Sender<io::Result<Child>>,
}

/// The one thread that forks. The death signal is sent when the *thread* that forked ends
/// (prctl(2), PR_SET_PDEATHSIG), so it must be one that ends with the process.
static STARTER: Mutex<Option<Sender<Order>>> = Mutex::new(None);

fn starter() -> io::Result<Sender<Order>> {
    let mut starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = &*starter {
        return Ok(sender.clone());
    }
    let (sender, orders) = channel();
    let serve = move || serve(&orders);
    thread::Builder::new().name("starter".into()).spawn(serve).map_err(with_remedy)?;
    Ok(starter.insert(sender).clone())
}

fn serve(orders: &Receiver<Order>) {
    for order in orders {
        let (answer, manner) = (order.answer.clone(), order.manner);
        let mut registry = interrupt::registry();
        let started = order.start();
        if let Ok(child) = &started {
            registry.add_group(pid_of(child), manner);
        }
        drop(registry);
        if let Err(nobody) = answer.send(started)
            && let Ok(child) = nobody.0
        {
            drop(Process { leader: pid_of(&child), child, manner, status: None });
        }
    }
}

impl Order {
    fn start(mut self) -> io::Result<Child> {
        self.command.stdin(Stdio::null()).process_group(0);
        let inherited: Vec<i32> = self.inherited.iter().map(AsRawFd::as_raw_fd).collect();
        let (parent, manner) = (nix::unistd::getpid(), self.manner);
        // SAFETY: between fork and exec only async-signal-safe system calls are made, and nothing
        // is allocated: the vector was made before, the errors are numbers.
        unsafe { self.command.pre_exec(move || prepare(parent, manner, &inherited)) };
        self.command.spawn()
    }
}

/// Runs in the child.
fn prepare(parent: Pid, manner: Manner, inherited: &[i32]) -> io::Result<()> {
    set_pdeathsig(manner.signal())?;
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn bash(body: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", body]);
        command
    }

    #[test]
    fn what_a_program_writes_and_how_it_ends_is_given() {
        let output = output(bash("echo out; echo err >&2; exit 7"), Manner::Kill, None).unwrap();
        assert_eq!(
            (output.status.code(), &*output.stdout, &*output.stderr),
            (Some(7), &b"out\n"[..], &b"err\n"[..])
        );
    }

    #[rstest]
    #[case::nothing_said("exec sleep 1000")]
    #[case::no_end_of_words("while :; do echo x; done")]
    #[case::said_and_not_ended("echo x; sleep 1000")]
    #[case::deaf("trap '' TERM INT HUP; while :; do sleep 0.1; done")]
    fn a_program_that_does_not_end_is_ended(#[case] body: &str) {
        let error = output(bash(body), Manner::Kill, Some(Duration::from_millis(200))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_child_that_left_the_group_keeps_nobody_waiting() {
        let error =
            output(bash("read x < <(setsid sh -c 'echo x; exec sleep 8')"), Manner::Kill, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn one_that_is_asked_has_time_to_clear_up() {
        let dir = tempfile::tempdir().unwrap();
        let (there, cleared) = (dir.path().join("there"), dir.path().join("cleared"));
        let body = format!(
            "trap 'touch {}; exit' TERM; touch {}; while :; do sleep 0.01; done",
            cleared.display(),
            there.display()
        );
        let mut process = Process::start(bash(&body), Vec::new(), Manner::Ask).unwrap();
        while !there.exists() {
            thread::sleep(LOOK);
        }
        process.end();
        assert!(cleared.exists());
    }
}
