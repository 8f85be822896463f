//! Performs one operation and says what it gave. Knows the operations, not their meaning.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::kmod::{DeleteModuleFlags, delete_module};
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use scrubjay_wire::op::Settling;
use scrubjay_wire::{Anchor, Answer, Entry, FileCall, Ioctl, Op, Where};

use crate::call::enter;
use crate::memory::Laid;
use crate::slots::Slots;
use crate::{boot, devices, sweep};

/// How much of a file is read.
const FILE_LIMIT: u64 = 64 << 10;

/// How much of it the first read asks for: all of an attribute.
const FIRST_READ: usize = 4 << 10;

/// What went wrong: an errno of the kernel's, or something the agent could not do.
enum Failure {
    Errno(i32),
    Agent(String),
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        e.raw_os_error().map_or_else(|| Failure::Agent(e.to_string()), Failure::Errno)
    }
}

impl From<nix::Error> for Failure {
    fn from(e: nix::Error) -> Self {
        Failure::Errno(e as i32)
    }
}

/// Performs `op`. Parallel groups and points are the worker's, not performed here.
pub fn perform(op: &Op, slots: &Slots, deadline: Duration) -> Answer {
    let mut answer = Answer::default();
    let start = Instant::now();
    if let Err(failure) = attempt(op, slots, deadline, &mut answer) {
        match failure {
            Failure::Errno(errno) => answer.errno = errno,
            Failure::Agent(why) => {
                answer.errno = -1;
                answer.text = Some(why);
            }
        }
    }
    answer.tid = nix::unistd::gettid().as_raw() as u32;
    if answer.nanos == 0 {
        answer.nanos = start.elapsed().as_nanos() as u64;
    }
    answer
}

fn attempt(op: &Op, slots: &Slots, deadline: Duration, answer: &mut Answer) -> Result<(), Failure> {
    match op {
        Op::Open { slots: names, at, flags } => {
            let path = path(at)?;
            for name in names {
                slots.put(name, open(&path, *flags)?);
            }
        }
        Op::Close { slot } => close(slots.take(slot))?,
        Op::Dup { from, to } => {
            let fd = slots.get(from).ok_or(Failure::Errno(libc::EBADF))?;
            slots.put(to, fd.try_clone()?);
        }
        Op::Reopen { from, to } => {
            let fd = slots.get(from).ok_or(Failure::Errno(libc::EBADF))?;
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            slots.put(to, open(path.as_ref(), libc::O_RDWR)?);
        }
        Op::Ioctl(call) => ioctl(call, slots, answer)?,
        Op::FileCall { slot, call } => answer.ret = file_call(slots.raw(slot), *call)?,
        Op::ReadFile { at } => {
            let mut file = File::open(path(at)?)?;
            let mut bytes = vec![0; FIRST_READ];
            // An attribute does its work at the first read; finding and opening it is ours.
            let start = Instant::now();
            let first = file.read(&mut bytes)?;
            answer.nanos = (start.elapsed().as_nanos() as u64).max(1);
            bytes.truncate(first);
            file.take(FILE_LIMIT - first as u64).read_to_end(&mut bytes)?;
            answer.text = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        Op::WriteFile { at, text } => {
            let text = text.replace("{bdf}", &devices::name(at.device, Anchor::Pci));
            let named = text.replace("{memdev}", &devices::name(at.device, Anchor::Memdev));
            let mut file = File::options().write(true).open(path(at)?)?;
            let written = file.write(named.as_bytes())?;
            let whole = text.replace("{memdev}", "memN").len();
            answer.ret = if written == named.len() { whole } else { written } as i64;
        }
        Op::List { at } => {
            for entry in fs::read_dir(path(at)?)? {
                let entry = entry?;
                answer.entries.push(describe(&entry.file_name().to_string_lossy(), &entry.path())?);
            }
            answer.entries.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Op::Stat { at } => {
            let path = path(at)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            answer.entries.push(describe(&name, &path)?);
        }
        Op::Resolve { at } => {
            let end = fs::canonicalize(path(at)?)?;
            let parts: Vec<_> =
                end.components().map(|c| symbolic_part(&c.as_os_str().to_string_lossy())).collect();
            answer.text = Some(parts.join("/").replacen("//", "/", 1));
        }
        Op::DropCapability { number } => drop_capability(*number)?,
        Op::Become { id } => {
            setgroups(&[])?;
            let (uid, gid) = (Uid::from_raw(*id), Gid::from_raw(*id));
            setresgid(gid, gid, gid)?;
            setresuid(uid, uid, uid)?;
        }
        Op::NewUserNamespace => {
            unshare(CloneFlags::CLONE_NEWUSER)?;
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", "0 0 1")?;
            fs::write("/proc/self/gid_map", "0 0 1")?;
        }
        Op::LoadModule { name } => boot::load_module(name)?,
        Op::UnloadModule { name } => {
            let name = CString::new(name.as_str()).map_err(|_| Failure::Errno(libc::EINVAL))?;
            delete_module(&name, DeleteModuleFlags::O_NONBLOCK)?;
        }
        Op::Execute { argv } => {
            let (program, arguments) = argv.split_first().ok_or(Failure::Errno(libc::ENOENT))?;
            let output = Command::new(program).args(arguments).output()?;
            answer.ret = output.status.code().unwrap_or(-1).into();
            let bytes = [output.stdout, output.stderr].concat();
            answer.text = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        Op::Pause { ms } => sleep(Duration::from_millis(u64::from(*ms))),
        Op::Host => {}
        Op::Settle(settling) => answer.ret = i64::from(settle(settling, deadline)),
        Op::Sweep(sweep) => sweep::run(sweep, slots, answer).map_err(Failure::Agent)?,
        Op::Parallel { .. } | Op::Signal { .. } | Op::WaitFor { .. } => {
            return Err(Failure::Agent("a parallel group inside a parallel group".to_owned()));
        }
    }
    Ok(())
}

fn path(at: &Where) -> Result<std::path::PathBuf, Failure> {
    if at.anchor == Anchor::Root {
        return Ok(std::path::Path::new("/").join(at.path.trim_start_matches('/')));
    }
    devices::path(at).ok_or(Failure::Errno(libc::ENOENT))
}

fn open(path: &std::path::Path, flags: i32) -> Result<OwnedFd, Failure> {
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Failure::Agent("a path with a NUL byte".to_owned()))?;
    // SAFETY: the path is a C string that outlives the call; no mode is needed without O_CREAT.
    let fd = unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(Failure::Errno(nix::errno::Errno::last_raw()));
    }
    // SAFETY: a descriptor that was just opened and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes a descriptor and hears what `close(2)` said, which `drop` would not tell.
fn close(fd: Option<Arc<OwnedFd>>) -> Result<(), Failure> {
    let fd = fd.ok_or(Failure::Errno(libc::EBADF))?;
    // Another branch that is in a call keeps the descriptor open until that call returns.
    let raw = match Arc::try_unwrap(fd) {
        Ok(owned) => std::os::fd::IntoRawFd::into_raw_fd(owned),
        Err(_) => return Ok(()),
    };
    // SAFETY: the descriptor is ours alone and is not used again.
    match unsafe { libc::close(raw) } {
        0 => Ok(()),
        _ => Err(Failure::Errno(nix::errno::Errno::last_raw())),
    }
}

fn ioctl(call: &Ioctl, slots: &Slots, answer: &mut Answer) -> Result<(), Failure> {
    let laid = Laid::new(call).map_err(Failure::Agent)?;
    let start = Instant::now();
    let fd = slots.get(&call.slot);
    let result = enter(call, call.request, &laid, fd.as_ref().map_or(-1, |fd| fd.as_raw_fd()));
    answer.nanos = (start.elapsed().as_nanos() as u64).max(1);
    answer.buffers = laid.read();
    answer.ret = result.map_err(Failure::Errno)?;
    Ok(())
}

fn file_call(fd: i32, call: FileCall) -> Result<i64, Failure> {
    let mut buffer = [0u8; 16];
    let mut ask = libc::pollfd { fd, events: libc::POLLIN | libc::POLLOUT, revents: 0 };
    // SAFETY: every pointer is to a local of sufficient size; a mapping that succeeds is undone at once.
    let ret = unsafe {
        match call {
            FileCall::Read => libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) as i64,
            FileCall::Write => libc::write(fd, buffer.as_ptr().cast(), buffer.len()) as i64,
            FileCall::Seek => libc::lseek(fd, 0, libc::SEEK_SET),
            FileCall::Map => {
                let at = libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ, libc::MAP_SHARED, fd, 0);
                if at == libc::MAP_FAILED { -1 } else { i64::from(libc::munmap(at, 4096)) }
            }
            FileCall::Poll => match libc::poll(&mut ask, 1, 0) {
                -1 => -1,
                _ => i64::from(ask.revents),
            },
        }
    };
    if ret == -1 { Err(Failure::Errno(nix::errno::Errno::last_raw())) } else { Ok(ret) }
}

fn describe(name: &str, path: &std::path::Path) -> Result<Entry, Failure> {
    let meta = fs::symlink_metadata(path)?;
    let kind = meta.file_type();
    let kind = match () {
        () if kind.is_dir() => 'd',
        () if kind.is_symlink() => 'l',
        () if kind.is_char_device() => 'c',
        () if kind.is_block_device() => 'b',
        () => 'f',
    };
    Ok(Entry {
        name: devices::symbolic(name),
        kind,
        mode: meta.permissions().mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
    })
}

/// A part of a path, PCI addresses and numbers of probe order replaced.
fn symbolic_part(part: &str) -> String {
    let bytes = part.as_bytes();
    if bytes.len() == 12 && bytes[4] == b':' && bytes[7] == b':' {
        return "BDF".to_owned();
    }
    devices::symbolic(part)
}

fn settle(settling: &Settling, deadline: Duration) -> bool {
    let start = Instant::now();
    let enough = deadline.saturating_sub(Duration::from_millis(500)).max(deadline / 2);
    while start.elapsed() < enough {
        if devices::reached(settling.device, settling.until) {
            return true;
        }
        sleep(Duration::from_millis(2));
    }
    false
}

/// Version 3 of the capability header (include/uapi/linux/capability.h).
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapabilityData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn drop_capability(number: u8) -> Result<(), Failure> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION_3, pid: 0 };
    let mut data = [CapabilityData::default(); 2];
    let check = |ret: i64| match ret {
        -1 => Err(Failure::Errno(nix::errno::Errno::last_raw())),
        _ => Ok(()),
    };
    // SAFETY: header and data have the layout of version 3 and outlive the calls.
    unsafe {
        check(i64::from(libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(number), 0, 0, 0)))?;
        check(libc::syscall(libc::SYS_capget, &header, data.as_mut_ptr()))?;
        let word = data.get_mut(usize::from(number / 32)).ok_or(Failure::Errno(libc::EINVAL))?;
        let mask = !(1u32 << (number % 32));
        word.effective &= mask;
        word.permitted &= mask;
        word.inheritable &= mask;
        check(libc::syscall(libc::SYS_capset, &header, data.as_ptr()))
    }
}
