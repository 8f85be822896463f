//! A guest's memory, where it outlives one QEMU: a file without a name that a kept guest leaves behind, and that those
//! which start from it see as it was, each with its own changes.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// Where a guest has its memory, and QEMU what else it is made of. The first file is the memory, the second QEMU's
/// migration stream.
#[derive(Clone, Copy)]
pub(crate) enum Memory<'a> {
    /// With QEMU, and gone with it.
    Own,
    /// In these files, so that both can be kept.
    Kept(&'a OwnedFd, &'a OwnedFd),
    /// As it is in these files, which are not changed.
    From(&'a OwnedFd, &'a OwnedFd),
}

/// An empty file without a name, in memory.
pub(crate) fn unnamed(name: &str, bytes: u64) -> io::Result<OwnedFd> {
    let file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    file.set_len(bytes)?;
    Ok(file.into())
}
