//! The two ways into the kernel, and the exit that runs nothing on the way.

use std::arch::asm;

use nix::errno::Errno;
use nix::libc;

/// `ioctl(2)` by the `syscall` instruction: what it returned, or the errno.
pub fn ioctl(fd: i32, request: u32, arg: u64) -> Result<i64, i32> {
    // SAFETY: the kernel checks every address of `arg`; what it may write lies in memory that
    // `memory::Laid` owns and reads back only through raw pointers.
    let ret = unsafe { libc::syscall(libc::SYS_ioctl, fd, u64::from(request), arg) };
    if ret == -1 { Err(Errno::last_raw()) } else { Ok(ret) }
}

/// `ioctl(2)` by the 32-bit entry: what it returned, or the errno.
pub fn ioctl_ia32(fd: i32, request: u32, arg: u32) -> Result<i64, i32> {
    let ret = ia32(54, fd as u32, request, arg);
    if (-4095..0).contains(&ret) { Err(-ret) } else { Ok(i64::from(ret)) }
}

/// A system call of the i386 table with three arguments.
pub fn ia32(number: u32, a: u32, b: u32, c: u32) -> i32 {
    let ret: i32;
    // SAFETY: rbx is saved around the call because the compiler keeps it for itself; the entry
    // clobbers r8 to r11 on older kernels, which is declared; the memory that the call may write
    // is owned by the caller's raw pointers.
    unsafe {
        asm!(
            "xchg rbx, {a}",
            "int 0x80",
            "xchg rbx, {a}",
            a = inout(reg) u64::from(a) => _,
            inlateout("eax") number as i32 => ret,
            in("ecx") b,
            in("edx") c,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    ret
}

/// Ends the process without running anything that the parent's memory left to run.
pub fn exit(status: i32) -> ! {
    // SAFETY: `_exit` takes any status and does not return.
    unsafe { libc::_exit(status) }
}
