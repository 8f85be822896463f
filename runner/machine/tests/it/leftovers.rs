//! Nothing is left of a process that ends while it holds a guest: no process, no socket, no file.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use scrubjay_machine::RunDir;

use crate::guests::processes_marked;
use crate::support::{KERNEL, QEMU};

/// Waits a little for what the kernel does in its own time.
fn soon(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if done() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    done()
}

/// A process of its own that holds a guest, with directories of its own.
struct Holder {
    child: Child,
    base: tempfile::TempDir,
    mark: String,
}

impl Holder {
    fn start() -> Self {
        let base = tempfile::Builder::new().prefix("h").rand_bytes(4).tempdir_in("/tmp").unwrap();
        let mark = format!("SCRUBJAY_MARK={}", base.path().display());
        let child = Command::new(env!("CARGO_BIN_EXE_scrubjay-boot"))
            .arg(&*KERNEL)
            .arg("--hold")
            .env("SCRUBJAY_QEMU", QEMU.path())
            .env("XDG_RUNTIME_DIR", base.path())
            .env("SCRUBJAY_MARK", base.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Holder { child, base, mark }
    }

    fn wait_until_up(&mut self) {
        let lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.starts_with("up: ")), "it did not come up");
        assert_eq!(processes_marked(&self.mark).len(), 2, "the holder and its QEMU");
        assert_eq!(fs::read_dir(self.base.path()).unwrap().count(), 1, "a directory for sockets");
    }

    fn signal(&mut self, signal: Signal) -> std::process::ExitStatus {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[rstest]
#[case::interrupt(Signal::SIGINT, 130)]
#[case::terminate(Signal::SIGTERM, 143)]
#[case::hang_up(Signal::SIGHUP, 129)]
fn a_signal_ends_everything(#[case] signal: Signal, #[case] code: i32) {
    let mut holder = Holder::start();
    holder.wait_until_up();
    let status = holder.signal(signal);
    assert_eq!(status.code(), Some(code));
    assert_eq!(processes_marked(&holder.mark), [0_u32; 0], "right after the end");
    assert_eq!(fs::read_dir(holder.base.path()).unwrap().count(), 0);
}

#[rstest]
#[case::at_once(0)]
#[case::while_qemu_starts(60)]
#[case::while_the_kernel_boots(500)]
fn a_signal_during_a_boot_ends_everything(#[case] after_ms: u64) {
    let mut holder = Holder::start();
    // The first line is out when the signals are handled.
    let mut line = String::new();
    BufReader::new(holder.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    thread::sleep(Duration::from_millis(after_ms));
    let status = holder.signal(Signal::SIGINT);
    assert_eq!(status.code(), Some(130));
    assert_eq!(processes_marked(&holder.mark), [0_u32; 0]);
    assert_eq!(fs::read_dir(holder.base.path()).unwrap().count(), 0);
}

#[test]
fn a_killed_process_takes_its_qemu_with_it_and_the_next_run_sweeps_its_directory() {
    let mut holder = Holder::start();
    holder.wait_until_up();
    holder.signal(Signal::SIGKILL);
    assert!(soon(|| processes_marked(&holder.mark).is_empty()), "QEMU dies with its parent");
    let left: Vec<_> = fs::read_dir(holder.base.path()).unwrap().flatten().map(|e| e.path()).collect();
    assert_eq!(left.len(), 1);
    drop(RunDir::new_in(holder.base.path()).unwrap());
    assert_eq!(fs::read_dir(holder.base.path()).unwrap().count(), 0);
}
