//! Outputs on a disk that is filled: a tiny tmpfs in a mount namespace of this process alone. Where neither
//! root nor a user namespace gives the right to mount one, the trials are counted as ignored, and the reason is
//! said.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use scrubjay_host::Output;

/// Of the disk, in bytes.
const SIZE: usize = 128 << 10;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let base = tempfile::tempdir().expect("a directory to mount on");
    // Before any thread is made: threads that are there already would keep the old namespace.
    let disk = disk(base.path());
    if let Err(error) = &disk {
        eprintln!("ignored: a disk cannot be filled here: {error}");
    }
    let disk = disk.unwrap_or_default();
    let missing = disk.as_os_str().is_empty();
    let trial = |name: &str, body: fn(&Path) -> Result<(), Failed>| {
        let disk = disk.clone();
        Trial::test(name, move || body(&disk)).with_ignored_flag(missing)
    };
    let trials = vec![
        trial("an_output_on_a_full_disk_is_refused_before_there_is_a_text", refused),
        trial("a_disk_that_fills_up_meanwhile_leaves_what_was_there_and_nothing_beside", lost),
        trial("a_file_that_cannot_be_replaced_is_written_where_it_is", mounted),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn disk(at: &Path) -> io::Result<PathBuf> {
    let (user, group) = (geteuid(), getegid());
    if unshare(CloneFlags::CLONE_NEWNS).is_err() {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    }
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("small"), at, Some("tmpfs"), MsFlags::empty(), Some(format!("size={SIZE}").as_str()))?;
    Ok(at.to_owned())
}

/// Fills the disk, and gives the file that does.
fn fill(disk: &Path) -> io::Result<PathBuf> {
    let path = disk.join("filler");
    let error = fs::write(&path, vec![0; 2 * SIZE]).expect_err("it is larger than the disk");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    Ok(path)
}

fn refused(disk: &Path) -> Result<(), Failed> {
    let (new, old) = (disk.join("new.json"), disk.join("old.json"));
    fs::write(&old, "old")?;
    let filler = fill(disk)?;
    for path in [&new, &old] {
        let error = Output::at(path).expect_err("there is no room");
        assert_eq!(error.source.kind(), ErrorKind::StorageFull);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert!(!new.exists());
    assert_eq!(fs::read_to_string(&old)?, "old");
    fs::remove_file(filler)?;
    Ok(fs::remove_file(old)?)
}

fn lost(disk: &Path) -> Result<(), Failed> {
    let path = disk.join("run.json");
    fs::write(&path, "old")?;
    let mut output = Output::at(&path)?;
    let filler = fill(disk)?;
    let error = output.write(&"x".repeat(SIZE / 2)).expect_err("there is no room");
    assert_eq!(error.source.kind(), ErrorKind::StorageFull);
    assert_eq!(fs::read_to_string(&path)?, "old");
    assert_eq!(fs::read_dir(disk)?.count(), 2, "the file and the filler");
    fs::remove_file(filler)?;
    output.write("new")?;
    assert_eq!(fs::read_to_string(&path)?, "new");
    Ok(fs::remove_file(path)?)
}

/// As a container has it: a file of another disk, or of the same, in a directory.
fn mounted(disk: &Path) -> Result<(), Failed> {
    let here = tempfile::tempdir()?;
    let (same, other) = (here.path().join("same"), disk.join("other"));
    for source in [&same, &other] {
        fs::write(source, "old and longer")?;
        let at = here.path().join("run.json");
        fs::write(&at, "")?;
        mount(Some(source), &at, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
        let written = Output::at(&at).map_err(Failed::from).and_then(|mut output| Ok(output.write("new")?));
        umount(&at)?;
        written?;
        assert_eq!(fs::read_to_string(source)?, "new");
        assert_eq!(fs::read_dir(here.path())?.count(), 2, "nothing beside");
    }
    Ok(fs::remove_file(other)?)
}
