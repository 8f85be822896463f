//! Runs make: nothing of the caller's environment, its output in a log, its end in the error, a stop when asked for.
//!
//! Knows no target and no tree.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::manifest::Compiler;
use crate::progress::Progress;

/// The output's end that an error shows.
const TAIL_LINES: usize = 25;
/// How often is looked whether it is to stop.
const POLL: Duration = Duration::from_millis(200);
/// How long make may take to stop its children.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Why make did not do what it was to do.
#[derive(Debug)]
pub(crate) enum MakeError {
    /// It could not be started or waited for.
    Run(std::io::Error),
    /// The log could not be written.
    Log(std::io::Error),
    /// It failed.
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The last lines of what it said.
        tail: String,
    },
    /// The caller asked to stop.
    Interrupted,
}

/// `make -C TREE`, as everything here is built: no CFLAGS, MAKEFLAGS, ARCH or LLVM from outside decides what comes out.
pub(crate) fn command(tree: &Path, compiler: Compiler, jobs: usize) -> Command {
    let mut command = Command::new("make");
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .arg("-C")
        .arg(tree)
        .arg(format!("-j{jobs}"))
        .args((compiler == Compiler::Clang).then_some("LLVM=1"))
        .env("LC_ALL", "C")
        // The same recipe gives the same image, bit by bit.
        .env("KBUILD_BUILD_TIMESTAMP", "1970-01-01 00:00:00 UTC")
        .env("KBUILD_BUILD_USER", "scrubjay")
        .env("KBUILD_BUILD_HOST", "scrubjay")
        .env("KBUILD_BUILD_VERSION", "1")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end; every line goes to the log and is counted by `progress`.
pub(crate) fn run(
    mut command: Command,
    log: &mut File,
    progress: &mut dyn Progress,
) -> Result<(), MakeError> {
    let (reader, writer) = std::io::pipe().map_err(MakeError::Run)?;
    command.stdout(writer.try_clone().map_err(MakeError::Run)?).stderr(writer);
    // SAFETY: the closure makes one prctl call, which is safe between fork and exec.
    unsafe {
        // Should this process be killed, make stops too, and with it all that it started.
        command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGTERM)?));
    }
    let mut child = command.spawn().map_err(MakeError::Run)?;
    // The command holds the writing ends; they must go, or the end of the output is never seen.
    drop(command);
    let lines = lines_of(reader);
    let mut tail = VecDeque::new();
    let mut count = 0;
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => {
                writeln!(log, "{line}").map_err(MakeError::Log)?;
                tail.push_back(line);
                if tail.len() > TAIL_LINES {
                    tail.pop_front();
                }
                count += 1;
                progress.advance(count);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if progress.cancelled() {
            stop(&mut child);
            return Err(MakeError::Interrupted);
        }
    }
    let status = child.wait().map_err(MakeError::Run)?;
    if status.success() {
        return Ok(());
    }
    // A Ctrl-C reaches make too, and may end it before this process has looked.
    if progress.cancelled() {
        return Err(MakeError::Interrupted);
    }
    let tail: Vec<&str> = tail.iter().map(String::as_str).collect();
    Err(MakeError::Failed { status, tail: tail.join("\n") })
}

/// The lines of make's output, from a thread of their own so that waiting for one has a limit.
fn lines_of(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// Ends make, which ends its children, and waits for it.
fn stop(child: &mut Child) {
    let pid = Pid::from_raw(child.id().cast_signed());
    // Already gone is as good.
    let _ = kill(pid, Signal::SIGTERM);
    let deadline = Instant::now() + STOP_GRACE;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            _ => return,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}
