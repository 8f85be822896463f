//! The BAR's memory: a memfd of which QEMU maps the pages that need no trap.
//!
//! It is read and written through the file, never mapped here, so there is nothing unsafe about a
//! guest that writes at the same time.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// Memory shared with QEMU.
#[derive(Debug)]
pub(crate) struct Memory(File);

impl Memory {
    /// So many bytes of zeros.
    pub fn new(len: u64) -> io::Result<Self> {
        let file = File::from(memfd_create("scrubjay-bar0", MFdFlags::MFD_CLOEXEC)?);
        file.set_len(len)?;
        Ok(Memory(file))
    }

    /// The descriptor that QEMU gets; open as long as this lives.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Reads; the range is the caller's to keep within the memory.
    pub fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, at)
    }

    /// Writes; the range is the caller's to keep within the memory.
    pub fn write(&self, at: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, at)
    }

    /// Reads a 64-bit register.
    pub fn read_u64(&self, at: u64) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Writes a 64-bit register.
    pub fn write_u64(&self, at: u64, value: u64) -> io::Result<()> {
        self.write(at, &value.to_le_bytes())
    }
}
