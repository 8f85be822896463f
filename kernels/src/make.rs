//! Runs make: nothing of the caller's environment, its output in a log, its end in the error, a stop when asked for.
//!
//! Knows no target and no tree.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use scrubjay_host::{Manner, Process};

use crate::manifest::Compiler;
use crate::progress::Progress;

/// The output's end that an error shows.
const TAIL_LINES: usize = 25;
/// How often is looked whether it is to stop.
const POLL: Duration = Duration::from_millis(200);

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
/// What compilers keep for a moment goes into `scratch`, which is removed with the work.
pub(crate) fn command(tree: &Path, scratch: &Path, compiler: Compiler, jobs: usize) -> Command {
    let mut command = Command::new("make");
    command.env_clear();
    for name in ["PATH", "HOME"] {
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
        .env("TMPDIR", scratch)
        // The same recipe gives the same image, bit by bit.
        .env("KBUILD_BUILD_TIMESTAMP", "1970-01-01 00:00:00 UTC")
        .env("KBUILD_BUILD_USER", "scrubjay")
        .env("KBUILD_BUILD_HOST", "scrubjay")
        .env("KBUILD_BUILD_VERSION", "1");
    command
}

/// Runs it to its end; every line goes to the log and is counted by `progress`. However this returns, make and all that
/// it started are gone.
pub(crate) fn run(
    mut command: Command,
    log: &mut File,
    progress: &mut dyn Progress,
) -> Result<(), MakeError> {
    let (reader, writer) = std::io::pipe().map_err(MakeError::Run)?;
    command.stdout(writer.try_clone().map_err(MakeError::Run)?).stderr(writer);
    let mut make = Process::start(command, Vec::new(), Manner::Ask).map_err(MakeError::Run)?;
    let lines = lines_of(reader).map_err(MakeError::Run)?;
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
            return Err(MakeError::Interrupted);
        }
    }
    let status = loop {
        match make.wait(Instant::now() + POLL) {
            Some(status) => break status,
            None if progress.cancelled() => return Err(MakeError::Interrupted),
            None => {}
        }
    };
    if status.success() {
        return Ok(());
    }
    if progress.cancelled() {
        return Err(MakeError::Interrupted);
    }
    let tail: Vec<&str> = tail.iter().map(String::as_str).collect();
    Err(MakeError::Failed { status, tail: tail.join("\n") })
}

/// The lines of make's output, from a thread of their own so that waiting for one has a limit.
fn lines_of(reader: PipeReader) -> io::Result<Receiver<String>> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    };
    thread::Builder::new().name("make".into()).spawn(read)?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::progress::Silent;

    #[test]
    fn a_log_that_cannot_be_written_ends_make_and_all_that_it_started() {
        let dir = tempfile::tempdir().expect("a directory");
        let started = dir.path().join("started");
        // A child that has its parent's end outlive it, as a compiler may.
        let body =
            format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; echo a line; wait", started.display());
        let mut command = Command::new("bash");
        command.args(["-c", &body]);
        let mut full = File::options().write(true).open("/dev/full").expect("a disk that is full");
        let error = run(command, &mut full, &mut Silent).expect_err("no line fits");
        assert!(matches!(error, MakeError::Log(_)), "{error:?}");
        let child = fs::read_to_string(started).expect("it was started");
        let state = || fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        let has_ended = |state: &str| {
            let rest = state.rsplit(')').next().unwrap_or_default();
            state.is_empty() || rest.trim_start().starts_with('Z')
        };
        // A process that was killed runs until it is next scheduled; one that was not would sleep on.
        let ended = (0..2000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            has_ended(&state())
        });
        assert!(ended, "{}", state());
    }
}
