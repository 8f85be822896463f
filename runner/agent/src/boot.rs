//! The first and the last thing: mounts, modules, what this kernel has, power off.

use std::fs::{self, File};
use std::path::Path;

use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use scrubjay_wire::Hello;

use crate::{kmsg, syscall};

/// File systems in the order they are mounted; one that the kernel lacks is left out.
const MOUNTS: [(&str, &str, &str); 7] = [
    ("proc", "/proc", "proc"),
    ("sysfs", "/sys", "sysfs"),
    ("devtmpfs", "/dev", "devtmpfs"),
    ("securityfs", "/sys/kernel/security", "securityfs"),
    ("debugfs", "/sys/kernel/debug", "debugfs"),
    ("tmpfs", "/tmp", "tmpfs"),
    ("tracefs", "/sys/kernel/tracing", "tracefs"),
];

/// `MODULE_INIT_COMPRESSED_FILE` (include/uapi/linux/module.h), which nix does not name.
const COMPRESSED: ModuleInitFlags = ModuleInitFlags::from_bits_retain(4);

/// Mounts what there is and loads the modules of `/modules/order`.
pub fn mount_all() {
    for (source, target, kind) in MOUNTS {
        let _ = fs::create_dir_all(target);
        let _ = mount(Some(source), target, Some(kind), MsFlags::empty(), None::<&str>);
    }
    let refused = load_modules();
    if !refused.is_empty() {
        let _ = fs::write("/tmp/modules-refused", refused.join("\n"));
    }
}

/// Loads the modules of the initramfs in order; gives those that were refused, with the errno.
fn load_modules() -> Vec<String> {
    let order = fs::read_to_string("/modules/order").unwrap_or_default();
    let mut refused = Vec::new();
    for name in order.lines().filter(|l| !l.is_empty()) {
        let path = Path::new("/modules").join(name);
        let compressed = matches!(path.extension().and_then(|e| e.to_str()), Some("xz" | "zst" | "gz"));
        let flags = if compressed { COMPRESSED } else { ModuleInitFlags::empty() };
        let loaded = File::open(&path)
            .map_err(|e| e.to_string())
            .and_then(|file| finit_module(file, c"", flags).map_err(|e| format!("{e:?}")));
        if let Err(why) = loaded {
            refused.push(format!("{name}: {why}"));
        }
    }
    refused
}

/// What this kernel is and what it lacks.
pub fn hello(channel: &str) -> Hello {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let there = |path: &str| Path::new(path).exists();
    let checks = [
        ("fwctl", there("/sys/class/fwctl")),
        ("edac", there("/sys/bus/edac")),
        ("lockdown", there("/sys/kernel/security/lockdown")),
        ("user-namespaces", there("/proc/self/ns/user")),
        ("stack", fs::read("/proc/self/stack").is_ok()),
        ("ia32", has_ia32()),
        ("taint", there("/proc/sys/kernel/tainted")),
        ("kasan", kmsg::said("KernelAddressSanitizer initialized")),
    ];
    let banner = text("/proc/version");
    Hello {
        version: scrubjay_wire::frame::VERSION,
        // The banner's third word, because a kernel without CONFIG_PROC_SYSCTL has no osrelease file.
        release: banner.split_ascii_whitespace().nth(2).unwrap_or_default().to_owned(),
        banner,
        taint: kmsg::taint(),
        channel: channel.to_owned(),
        lacks: checks.iter().filter(|(_, has)| !has).map(|(name, _)| (*name).to_owned()).collect(),
        modules_refused: text("/tmp/modules-refused").lines().map(str::to_owned).collect(),
        cmdline: text("/proc/cmdline"),
    }
}

/// Whether `int 0x80` works: tried in a process of its own, because without it that is a fault.
fn has_ia32() -> bool {
    // SAFETY: this process has one thread, and the child does nothing but one system call and exit.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            let pid = syscall::ia32(20, 0, 0, 0); // getpid
            syscall::exit(if pid > 0 { 0 } else { 1 })
        }
        Ok(ForkResult::Parent { child }) => matches!(waitpid(child, None), Ok(WaitStatus::Exited(_, 0))),
        Err(_) => false,
    }
}

/// Powers the guest off; where the kernel cannot, the host's deadline ends it.
pub fn power_off() -> ! {
    let _ = reboot(RebootMode::RB_POWER_OFF);
    loop {
        std::thread::park();
    }
}
