//! A signal ends the command in good order in every phase: nothing is left, and the exit status and the
//! report agree (docs/signals.md). Real processes: a make that waits, and programs in QEMU's place that hang.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rstest::rstest;
use scrubjay_host::Signal;

use crate::support::{Root, program, read};

/// What the command is doing when the signal comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// make runs.
    Building,
    /// QEMU is asked what it is, and does not answer.
    Probing,
    /// A guest boots, and says nothing.
    Booting,
}

/// A command in one of its phases, with directories of its own.
struct Running {
    child: Child,
    root: Root,
    there: PathBuf,
}

impl Running {
    fn start(phase: Phase) -> Self {
        let root = Root::new();
        let dir = |name: &str| {
            let dir = root.path().join(name);
            fs::create_dir_all(&dir).unwrap();
            dir
        };
        let (tmp, home, there) = (dir("tmp"), dir("home"), root.path().join("there"));
        let here = format!("echo > {}; exec sleep 1000", there.display());
        let mut command = root.scrubjay(&["check", "-s", "info-names-a-cxl-device"]);
        command.arg("--format").arg(format!("json:{}", root.path().join("run.json").display()));
        let asked = match phase {
            Phase::Probing => here.clone(),
            _ => {
                "case \"$*\" in\n--version) echo QEMU emulator version 10.1.0; exit;;\n\
                  *'-device help') echo '\"vfio-user-pci\"'; exit;;\nesac\n"
                    .to_owned()
                    + &here
            }
        };
        let qemu = program(&dir("bin"), "qemu", &asked);
        match phase {
            Phase::Building => kernel_of(&root, &here),
            Phase::Probing | Phase::Booting => {
                let cache = root.image("7.3.4");
                // As long as its header says, so that it goes as far as a QEMU.
                let image = File::options().write(true).open(cache.join("7.3.4/bzImage")).unwrap();
                image.set_len(64 << 10).unwrap();
                command.arg("--kernel-cache").arg(cache);
            }
        }
        // Whatever is started has this directory somewhere in its environment.
        let path = format!("{}:{}", std::env::var("PATH").unwrap(), root.path().display());
        command
            .env("PATH", path)
            .env("TMPDIR", &tmp)
            .env("XDG_RUNTIME_DIR", &tmp)
            .env("XDG_CACHE_HOME", &home)
            .env("SCRUBJAY_QEMU", &qemu)
            .env("SCRUBJAY_ACCEL", "tcg")
            .stdout(Stdio::null())
            .stderr(File::create(root.path().join("said")).unwrap());
        let child = command.spawn().unwrap();
        let mut running = Running { child, root, there };
        soon("the phase begins", || {
            let ended = running.child.try_wait().unwrap();
            let said = || fs::read_to_string(running.root.path().join("said")).unwrap();
            assert!(ended.is_none(), "{phase:?}: {}", said());
            running.there.exists()
        });
        running
    }

    fn signal(&self, signal: Signal) {
        let status =
            Command::new("kill").arg(format!("-{}", signal as i32)).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// What is left: processes, and files in the places for what passes.
    fn left(&self) -> (Vec<String>, Vec<String>) {
        let mut files = Vec::new();
        for place in ["tmp", "home/scrubjay/kernels"] {
            let entries = fs::read_dir(self.root.path().join(place)).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            // A lock is a file that stays.
            files.extend(names.filter(|name| !name.starts_with(".lock-")));
        }
        (processes_of(self.root.path()), files)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A kernel whose build runs `recipe`.
fn kernel_of(root: &Root, recipe: &str) {
    let tree = root.path().join("tree");
    fs::create_dir_all(&tree).unwrap();
    fs::write(tree.join("Makefile"), format!("%:\n\t{recipe}\n")).unwrap();
    fs::write(tree.join("Kconfig"), "").unwrap();
    let manifest = "version = \"7.3.4\"\n[history]\nrelease = \"7.3\"\nunmodified = true\n[fwctl]\nexpect = \"present\"\n\
                    [config]\nfragment = \"reference.config\"\ncompiler = \"gcc\"\n\
                    [[source]]\nkind = \"local-tree\"\npath = \"../tree\"\n";
    fs::write(root.path().join("kernels/7.3.toml"), manifest).unwrap();
}

/// Waits for what another process does in its own time.
fn soon(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(120), "not seen: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The command lines of living processes with that directory in their environment.
fn processes_of(dir: &Path) -> Vec<String> {
    let mark = dir.display().to_string();
    let ids = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let marked = |process: &PathBuf| {
        fs::read(process.join("environ"))
            .is_ok_and(|environment| environment.windows(mark.len()).any(|part| part == mark.as_bytes()))
    };
    let line = |process: PathBuf| fs::read(process.join("cmdline")).unwrap_or_default();
    let lines = ids.filter(marked).map(line).filter(|line| !line.is_empty());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

fn ends_in_good_order(phase: Phase, signal: Signal) {
    let mut running = Running::start(phase);
    running.signal(signal);
    let status = running.child.wait().unwrap();
    assert_eq!(status.code(), Some(128 + signal as i32), "{status}");
    assert_eq!(running.left(), (vec![], vec![]));
    let report = read(&running.root.path().join("run.json"));
    assert_eq!(report["exit_status"], 128 + signal as i32);
    assert_eq!(report["complete"], false);
}

#[rstest]
fn each_signal_leaves_nothing_and_the_report_says_the_same_as_the_exit_status(
    #[values(
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGABRT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGTERM,
        Signal::SIGXCPU
    )]
    signal: Signal,
) {
    ends_in_good_order(Phase::Booting, signal);
}

#[rstest]
fn a_signal_leaves_nothing_in_each_phase(
    #[values(Phase::Building, Phase::Probing)] phase: Phase,
    #[values(Signal::SIGINT, Signal::SIGTERM, Signal::SIGQUIT)] signal: Signal,
) {
    ends_in_good_order(phase, signal);
}

#[rstest]
fn two_signals_leave_as_little_as_one(
    #[values(Phase::Building, Phase::Booting)] phase: Phase,
    #[values(0, 2, 10)] gap_ms: u64,
) {
    let mut running = Running::start(phase);
    running.signal(Signal::SIGINT);
    thread::sleep(Duration::from_millis(gap_ms));
    // It may be gone by now.
    let id = running.child.id().to_string();
    let _ = Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status();
    let status = running.child.wait().unwrap();
    assert_eq!(status.code(), Some(130), "the first signal counts: {status}");
    assert_eq!(running.left(), (vec![], vec![]));
}

#[rstest]
fn what_a_kill_leaves_is_cleared_by_the_next_run_and_nothing_else(
    #[values(Phase::Building, Phase::Booting)] phase: Phase,
) {
    let mut running = Running::start(phase);
    running.signal(Signal::SIGKILL);
    assert_eq!(running.child.wait().unwrap().signal(), Some(9));
    soon("everything that was started ends", || processes_of(running.root.path()).is_empty());
    let (_, left) = running.left();
    assert_eq!(left.len(), 1, "{left:?}");
    let users = running.root.path().join("tmp/sj-backup");
    fs::create_dir(&users).unwrap();

    fs::remove_file(&running.there).unwrap();
    let mut command = running.root.scrubjay(&["check", "-s", "info-names-a-cxl-device"]);
    if phase == Phase::Booting {
        command.arg("--kernel-cache").arg(running.root.path().join("cache"));
    }
    let path = format!("{}:{}", std::env::var("PATH").unwrap(), running.root.path().display());
    let mut next = command
        .env("PATH", path)
        .env("TMPDIR", running.root.path().join("tmp"))
        .env("XDG_RUNTIME_DIR", running.root.path().join("tmp"))
        .env("XDG_CACHE_HOME", running.root.path().join("home"))
        .env("SCRUBJAY_QEMU", running.root.path().join("bin/qemu"))
        .env("SCRUBJAY_ACCEL", "tcg")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    soon("the next run comes as far", || running.there.exists());
    let (_, while_it_runs) = running.left();
    assert!(
        phase == Phase::Building || !while_it_runs.contains(&left[0]),
        "{left:?} is in {while_it_runs:?}"
    );
    let status = Command::new("kill").args(["-INT", &next.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(next.wait().unwrap().code(), Some(130));
    assert_eq!(running.left(), (vec![], vec!["sj-backup".to_owned()]));
}
