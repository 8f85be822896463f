//! Builds one kernel from a source tree: configure, check the config, make, gather what is kept.
//!
//! Works in a directory that it is given and puts nothing in the cache; fetches and unpacks nothing.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cache::CacheError;
use crate::config::Fragment;
use crate::entry;
use crate::error::KernelError;
use crate::manifest::{Compiler, Config};
use crate::progress::{Phase, Progress, Unit};

/// Lines that a build of the reference config prints, for a bar; measured on 7.3.4.
const LINES: u64 = 1800;
/// Room for a tree, its objects and the result; measured 2.0 GiB for the tree with all its objects on 7.3.4.
const ROOM_MIB: u64 = 3 * 1024;
/// The log's end that an error shows.
const TAIL_LINES: usize = 25;
/// How often a build looks whether it is to stop.
const POLL: Duration = Duration::from_millis(200);
/// How long make may take to stop its children.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// One build.
pub(crate) struct Build<'a> {
    pub(crate) id: &'a str,
    pub(crate) config: &'a Config,
    /// The source tree; it is not written to.
    pub(crate) tree: &'a Path,
    /// An existing directory for the objects.
    pub(crate) objects: &'a Path,
    /// Parallel jobs.
    pub(crate) jobs: usize,
    /// Where the log goes when the build fails; everything else of a failed build is removed.
    pub(crate) failed_log: &'a Path,
}

/// Refuses a build that cannot end well: missing programs, a full disk.
pub(crate) fn preflight(id: &str, compiler: Compiler, dir: &Path) -> Result<(), KernelError> {
    let linker = match compiler {
        Compiler::Gcc => "ld",
        Compiler::Clang => "ld.lld",
    };
    let tools: Vec<&'static str> = ["make", compiler.command(), linker, "flex", "bison", "bc"]
        .into_iter()
        .filter(|tool| !is_in_path(tool))
        .collect();
    if !tools.is_empty() {
        return Err(KernelError::MissingTools { id: id.to_owned(), tools });
    }
    let room = nix::sys::statvfs::statvfs(dir)
        .map_err(|errno| KernelError::Cache(CacheError::io("measure the room in", dir)(errno.into())))?;
    let free_mib = room.blocks_available().saturating_mul(room.fragment_size()) >> 20;
    if free_mib < ROOM_MIB {
        return Err(KernelError::NoRoom {
            id: id.to_owned(),
            path: dir.to_owned(),
            free_mib,
            needed_mib: ROOM_MIB,
        });
    }
    Ok(())
}

impl Build<'_> {
    /// Configures, checks, makes and gathers the results in `result`, which exists and is empty.
    pub(crate) fn run(&self, result: &Path, progress: &mut dyn Progress) -> Result<(), KernelError> {
        let log_path = result.join(entry::LOG);
        let mut log = File::create(&log_path).map_err(self.io("write", &log_path))?;
        let fragment = Fragment::read(&self.config.fragment).map_err(|source| self.config_error(source))?;
        self.make("allnoconfig", &mut log, &log_path, &mut Quiet(progress))?;

        let dot_config = self.objects.join(".config");
        let text = fs::read_to_string(&dot_config).map_err(self.io("read", &dot_config))?;
        fragment
            .check(&dot_config, &text, &self.config.absent)
            .map_err(|source| self.config_error(source))?;

        progress.start(&Phase {
            what: &format!("build kernel {}", self.id),
            unit: Unit::Lines,
            total: Some(LINES),
        });
        self.make("bzImage", &mut log, &log_path, progress)?;
        progress.finish();
        self.gather(result)
    }

    fn config_error(&self, source: crate::config::ConfigError) -> KernelError {
        KernelError::Config { id: self.id.to_owned(), source }
    }

    fn io(&self, what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KernelError {
        let error = CacheError::io(what, path);
        move |source| KernelError::Cache(error(source))
    }

    fn gather(&self, result: &Path) -> Result<(), KernelError> {
        for (from, to) in [
            ("arch/x86/boot/bzImage", entry::IMAGE),
            (".config", entry::CONFIG),
            ("System.map", entry::SYMBOLS),
        ] {
            let from = self.objects.join(from);
            fs::copy(&from, result.join(to)).map_err(self.io("copy", &from))?;
        }
        let kunit = self.tree.join(entry::KUNIT);
        if kunit.is_dir() {
            copy_tree(&kunit, &result.join(entry::KUNIT)).map_err(self.io("copy", &kunit))?;
        }
        Ok(())
    }

    fn command(&self, target: &str) -> Command {
        let mut command = Command::new("make");
        // Nothing of the caller's environment decides what is built: no CFLAGS, MAKEFLAGS, ARCH or LLVM from outside.
        command.env_clear();
        for name in ["PATH", "HOME", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let mut objects = std::ffi::OsString::from("O=");
        objects.push(self.objects);
        command
            .arg("-C")
            .arg(self.tree)
            .arg(objects)
            .arg(format!("-j{}", self.jobs))
            .args((self.config.compiler == Compiler::Clang).then_some("LLVM=1"))
            .arg(target)
            .env("LC_ALL", "C")
            // The same recipe gives the same image, bit by bit.
            .env("KBUILD_BUILD_TIMESTAMP", "1970-01-01 00:00:00 UTC")
            .env("KBUILD_BUILD_USER", "scrubjay")
            .env("KBUILD_BUILD_HOST", "scrubjay")
            .env("KBUILD_BUILD_VERSION", "1")
            .env("KCONFIG_ALLCONFIG", absolute(&self.config.fragment))
            .stdin(Stdio::null());
        command
    }

    fn make(
        &self,
        target: &str,
        log: &mut File,
        log_path: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), KernelError> {
        let failed = |source| KernelError::RunMake { id: self.id.to_owned(), source };
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        let mut command = self.command(target);
        command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
        // SAFETY: the closure makes one prctl call, which is safe between fork and exec.
        unsafe {
            // Should this process be killed, make stops too, and with it all that it started.
            command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGTERM)?));
        }
        let mut child = command.spawn().map_err(failed)?;
        // The command holds the writing ends; they must go, or the end of the output is never seen.
        drop(command);
        let lines = lines_of(reader);
        let mut tail = VecDeque::new();
        let mut count = 0;
        loop {
            match lines.recv_timeout(POLL) {
                Ok(line) => {
                    writeln!(log, "{line}").map_err(self.io("write", log_path))?;
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
                return Err(KernelError::Interrupted);
            }
        }
        let status = child.wait().map_err(failed)?;
        if status.success() {
            return Ok(());
        }
        // A Ctrl-C reaches make too, and may end it before this process has looked.
        if progress.cancelled() {
            return Err(KernelError::Interrupted);
        }
        Err(self.make_failed(target, status, log_path, &tail))
    }

    fn make_failed(
        &self,
        target: &str,
        status: ExitStatus,
        log_path: &Path,
        tail: &VecDeque<String>,
    ) -> KernelError {
        let log = match fs::copy(log_path, self.failed_log) {
            Ok(_) => self.failed_log,
            Err(_) => log_path,
        };
        let tail: Vec<&str> = tail.iter().map(String::as_str).collect();
        KernelError::Make {
            id: self.id.to_owned(),
            target: target.to_owned(),
            status: status.to_string(),
            log: log.to_owned(),
            tail: tail.join("\n"),
        }
    }
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

/// Hands on the wish to stop and nothing else: configuring is too short for a bar.
struct Quiet<'a>(&'a mut dyn Progress);

impl Progress for Quiet<'_> {
    fn start(&mut self, _: &Phase<'_>) {}
    fn advance(&mut self, _: u64) {}
    fn finish(&mut self) {}
    fn note(&mut self, line: &str) {
        self.0.note(line);
    }
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

fn is_in_path(tool: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
