//! Makes one ioctl over memory that was laid for it.

use scrubjay_wire::{Arg, Entry32, Ioctl};

use crate::memory::Laid;
use crate::syscall;

/// Makes the call once.
pub fn enter(call: &Ioctl, request: u32, laid: &Laid, fd: i32) -> Result<i64, i32> {
    let arg = match call.arg {
        Arg::Buffer => laid.address(0),
        Arg::Value(value) => value,
    };
    match call.entry {
        Entry32::Native => syscall::ioctl(fd, request, arg),
        Entry32::Ia32 => syscall::ioctl_ia32(fd, request, arg as u32),
    }
}
