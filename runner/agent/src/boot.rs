//! The first and the last thing: mounts, modules, what this kernel has, power off.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use scrubjay_wire::{Hello, Lack};

use crate::{config, syscall};

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
        if let Err(why) = load(&Path::new("/modules").join(name)) {
            let why = why.raw_os_error().map_or(why.to_string(), |e| format!("{:?}", Errno::from_raw(e)));
            refused.push(format!("{name}: {why}"));
        }
    }
    refused
}

/// Loads the module of this name, as `/proc/modules` has it.
pub fn load_module(name: &str) -> io::Result<()> {
    let is_it = |path: &Path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.split_once('-')
            .and_then(|(_, file)| file.split_once('.'))
            .is_some_and(|(stem, _)| stem.replace('-', "_") == name)
    };
    let mut paths = fs::read_dir("/modules")?.flatten().map(|entry| entry.path());
    load(&paths.find(|path| is_it(path)).ok_or(Errno::ENOENT)?)
}

fn load(path: &Path) -> io::Result<()> {
    let compressed = matches!(path.extension().and_then(|e| e.to_str()), Some("xz" | "zst" | "gz"));
    let flags = if compressed { COMPRESSED } else { ModuleInitFlags::empty() };
    Ok(finit_module(File::open(path)?, c"", flags)?)
}

/// What this kernel is and what it lacks.
pub fn hello(channel: &str) -> Hello {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let banner = text("/proc/version");
    Hello {
        version: scrubjay_wire::frame::VERSION,
        // The banner's third word, because a kernel without CONFIG_PROC_SYSCTL has no osrelease file.
        release: banner.split_ascii_whitespace().nth(2).unwrap_or_default().to_owned(),
        banner,
        channel: channel.to_owned(),
        lacks: Lack::ALL.iter().copied().filter(|lack| !has(*lack)).collect(),
        modules_refused: text("/tmp/modules-refused").lines().map(str::to_owned).collect(),
        cmdline: text("/proc/cmdline"),
    }
}

/// Whether this kernel has what another may lack.
fn has(lack: Lack) -> bool {
    let there = |path: &str| Path::new(path).exists();
    match lack {
        Lack::Fwctl => there("/sys/class/fwctl"),
        Lack::Edac => there("/sys/bus/edac"),
        Lack::Lockdown => there("/sys/kernel/security/lockdown"),
        Lack::UserNamespaces => there("/proc/self/ns/user"),
        Lack::Stack => fs::read("/proc/self/stack").is_ok(),
        Lack::Ia32 => has_ia32(),
        Lack::Taint => there("/proc/sys/kernel/tainted"),
        Lack::Modules => {
            fs::read_to_string("/proc/modules").is_ok_and(|modules| modules.contains("cxl_pci "))
        }
        Lack::PcieHotplug => there("/sys/bus/pci_express/drivers/pciehp"),
        Lack::SlubDebug => there("/sys/kernel/slab/kmalloc-16/red_zone"),
        // Nothing shows it until a device is there, and no device has to be.
        Lack::RawCommands => config::says("CONFIG_CXL_MEM_RAW_COMMANDS=y"),
        Lack::RawRefusal => config::says("# CONFIG_CXL_MEM_RAW_COMMANDS is not set"),
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
