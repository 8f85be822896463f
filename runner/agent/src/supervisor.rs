//! Serves the host: forks a worker for each program and watches it.

use std::fs;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use scrubjay_wire::{End, FrameError, Park, Program, Settle, ToGuest, ToHost};

use crate::channel::Channel;
use crate::heartbeat::heartbeat;
use crate::park::{self, Parked, ROOT};
use crate::{devices, kmsg, syscall, worker};

/// How long a killed worker may take to go before it is left behind.
const GRACE: Duration = Duration::from_millis(200);

/// Serves until the host says to power off or is gone.
pub fn serve(channel: &mut Channel) -> Result<(), FrameError> {
    kmsg::open();
    heartbeat();
    let mut child_ends = SigSet::empty();
    child_ends.add(Signal::SIGCHLD);
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&child_ends), None);
    let mut parked = None;
    loop {
        match channel.receive()? {
            ToGuest::Park(Park { buses, spare }) => {
                let refused = match park::park(&buses, spare) {
                    Ok(what) => {
                        parked = Some(what);
                        None
                    }
                    Err(why) => Some(why),
                };
                channel.send(&ToHost::Parked { refused })?;
            }
            ToGuest::Settle(settle) => {
                let unparked = parked.take().map(Parked::unpark);
                let (reached, mut bound) = wait_until_settled(settle);
                bound.extend(unparked.into_iter().flatten());
                let nodes = devices::all_nodes();
                let addresses = devices::all_addresses();
                let (log, taint) = (kmsg::fresh(), kmsg::taint());
                channel.send(&ToHost::Settled { reached, nodes, addresses, bound, log, taint })?;
            }
            ToGuest::Run(program) => {
                let end = run(channel, &program)?;
                channel.send(&ToHost::End { end, log: kmsg::fresh(), taint: kmsg::taint() })?;
            }
            ToGuest::PowerOff => return Ok(()),
            other @ ToGuest::Go { .. } => {
                return Err(FrameError::Garbled(format!("{other:?} with no step announced")));
            }
        }
    }
}

/// Whether each device has come up, and the CXL roots that were bound by hand for it.
fn wait_until_settled(settle: Settle) -> (Vec<bool>, Vec<String>) {
    let deadline = Duration::from_millis(settle.deadline_ms.into());
    devices::attach(settle.devices);
    let start = Instant::now();
    let mut bound = None;
    loop {
        let reached = devices::all_reached();
        if reached.iter().all(|&r| r) || start.elapsed() > deadline {
            let bound: Vec<String> = bound.unwrap_or_default();
            if !bound.is_empty() {
                devices::await_memdevs();
            }
            devices::remember();
            return (reached, bound);
        }
        if start.elapsed() > ROOT {
            bound.get_or_insert_with(devices::bind_roots);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn run(channel: &mut Channel, program: &Program) -> Result<End, FrameError> {
    heartbeat().clear();
    // SAFETY: this process has one thread.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            let status = match worker::run(channel, program) {
                Ok(()) => 0,
                Err(why) => {
                    eprintln!("scrubjay-agent: session {}: {why}", program.session);
                    1
                }
            };
            syscall::exit(status)
        }
        Ok(ForkResult::Parent { child }) => Ok(watch(child)),
        Err(errno) => Err(FrameError::Garbled(format!("fork failed: {errno}"))),
    }
}

/// Waits for a worker to end, or for its step to take too long.
fn watch(child: Pid) -> End {
    loop {
        if let Some(end) = reap(child) {
            return end;
        }
        match heartbeat().left() {
            Some(left) if left.is_zero() => return hung(child),
            left => wait_for_child(left.unwrap_or(Duration::from_millis(100))),
        }
    }
}

/// Sleeps until a child ends or the time is over.
fn wait_for_child(time: Duration) {
    let mut set = SigSet::empty();
    set.add(Signal::SIGCHLD);
    let time = libc::timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) };
    // SAFETY: set and time outlive the call; no information about the signal is asked for.
    unsafe { libc::sigtimedwait(set.as_ref(), std::ptr::null_mut(), &time) };
}

/// Collects every child that has ended; how the worker did, if it is among them.
fn reap(child: Pid) -> Option<End> {
    let (ticket, checkpoint) = heartbeat().place();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, 0)) if pid == child => return Some(End::Finished),
            Ok(WaitStatus::Exited(pid, status)) if pid == child => {
                return Some(End::Died { ticket, checkpoint, signal: 0, status });
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                return Some(End::Died { ticket, checkpoint, signal: signal as i32, status: 0 });
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return None,
            Ok(_) | Err(_) => {}
        }
    }
}

/// Says where a worker hangs, has the kernel list blocked tasks, and kills it.
fn hung(child: Pid) -> End {
    let (ticket, checkpoint) = heartbeat().place();
    let stack = stacks(child);
    let _ = fs::write("/proc/sysrq-trigger", "w");
    let _ = kill(child, Signal::SIGKILL);
    let start = Instant::now();
    while start.elapsed() < GRACE && reap(child).is_none() {
        wait_for_child(Duration::from_millis(20));
    }
    End::Hung { ticket, checkpoint, stack }
}

/// The kernel stacks of every thread of a process.
fn stacks(pid: Pid) -> String {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return "the process is gone".to_owned();
    };
    let mut out = String::new();
    for task in tasks.flatten() {
        let stack = fs::read_to_string(task.path().join("stack"))
            .unwrap_or_else(|e| format!("no stack to be read: {e}"));
        out.push_str(&format!("thread {}:\n{}\n", task.file_name().to_string_lossy(), stack.trim_end()));
    }
    out
}
