//! What needs a process to itself, one trial after the other: counting its descriptors, and a disk that
//! takes no more.
//!
//! The disk is a tiny tmpfs in a mount namespace of this process alone. Where neither root nor a user
//! namespace gives the right to mount one, its trials are counted as ignored, and the reason is said.

#[path = "it/support.rs"]
mod support;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use scrubjay_machine::{BootError, Guest, GuestError, RunDir, RunDirError, Spec};
use support::{QEMU, deadlines, spec};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let base = tempfile::tempdir().expect("a directory to mount on");
    // Before any thread is made: threads that are there already would keep the old namespace.
    let disk = tiny_disk(base.path());
    if let Err(error) = &disk {
        eprintln!("ignored: a full disk cannot be made here: {error}");
    }
    let here = disk.unwrap_or_default();
    let there = here.clone();
    let missing = here.as_os_str().is_empty();
    let trials = vec![
        Trial::test("a_dropped_guest_leaves_no_process_no_descriptor_and_no_thread", dropped),
        Trial::test("a_boot_that_fails_leaves_no_process_no_descriptor_and_no_thread", failed),
        Trial::test("a_full_disk_refuses_a_run_directory_by_name", move || run_directory(&here))
            .with_ignored_flag(missing),
        Trial::test("a_consoles_file_on_a_full_disk_ends_the_guest_by_name", move || console_file(&there))
            .with_ignored_flag(missing),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Descriptors, threads and children of this process.
fn holdings() -> Result<(usize, usize, String), Failed> {
    let mut children = String::new();
    for task in fs::read_dir("/proc/self/task")? {
        children += &fs::read_to_string(task?.path().join("children")).unwrap_or_default();
    }
    let count = |dir| fs::read_dir(dir).map(Iterator::count);
    Ok((count("/proc/self/fd")?, count("/proc/self/task")?, children))
}

/// What is held after `round` is what was held before it. The first round does not count: it makes
/// what is made once, the starter's thread and the remembered QEMU.
fn leaves_nothing(round: impl Fn() -> Result<(), Failed>) -> Result<(), Failed> {
    round()?;
    let before = holdings()?;
    round()?;
    assert_eq!(holdings()?, before);
    Ok(())
}

fn dropped() -> Result<(), Failed> {
    leaves_nothing(|| {
        let guest = Guest::boot(&QEMU, &spec(), &deadlines())?;
        let process = format!("/proc/{}", guest.qemu_pid());
        assert!(Path::new(&process).exists());
        drop(guest);
        assert!(!Path::new(&process).exists(), "QEMU is reaped when drop returns");
        Ok(())
    })
}

fn failed() -> Result<(), Failed> {
    let failing = Spec { append: "rdinit=/nowhere".into(), ..spec() };
    leaves_nothing(|| match Guest::boot(&QEMU, &failing, &deadlines()) {
        Ok(_) => Err("there is no such init".into()),
        Err(_) => Ok(()),
    })
}

/// A file system of one page and two inodes: its root, and one file.
fn tiny_disk(at: &Path) -> io::Result<PathBuf> {
    let (user, group) = (geteuid(), getegid());
    if unshare(CloneFlags::CLONE_NEWNS).is_err() {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    }
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("tiny"), at, Some("tmpfs"), MsFlags::empty(), Some("size=4k,nr_inodes=2"))?;
    Ok(at.to_owned())
}

fn run_directory(disk: &Path) -> Result<(), Failed> {
    fs::write(disk.join("last"), "")?;
    let error = RunDir::new_in(disk).expect_err("there is no inode left");
    fs::remove_file(disk.join("last"))?;
    match error {
        RunDirError::Make { base, source } => {
            assert_eq!(base, disk);
            assert_eq!(source.kind(), io::ErrorKind::StorageFull);
            Ok(())
        }
        other => Err(other.to_string().into()),
    }
}

fn console_file(disk: &Path) -> Result<(), Failed> {
    let path = disk.join("console.log");
    let spec = Spec { console_file: Some(path.clone()), ..spec() };
    let error = Guest::boot(&QEMU, &spec, &deadlines()).expect_err("a page is full after a second");
    let kept = fs::read(&path)?.len();
    fs::remove_file(&path)?;
    let BootError::Guest { source, .. } = error else { return Err(error.to_string().into()) };
    let GuestError::ConsoleFile { path: named, why } = *source else { return Err(source.to_string().into()) };
    assert_eq!(named, path);
    assert!(why.contains("No space left"), "{why}");
    assert_eq!(kept, 4096, "what fitted is there");
    Ok(())
}
