//! What is tested, and with what: a kernel, and the lab that its guests run in. Runs nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use scrubjay_machine::{Accel, Deadlines, Qemu};
use scrubjay_session::Sessions;
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_wire::Lack;
use uuid::Uuid;

use crate::kept::Kept;

/// A kernel to be tested.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its id.
    pub id: String,
    /// The bzImage.
    pub image: PathBuf,
    /// Modules in the order of loading.
    pub modules: Vec<PathBuf>,
    /// How often a second it ticks, where its config is known.
    pub hz: Option<u32>,
    /// Whether it watches itself at run time and is several times slower for it.
    pub instrumented: bool,
    /// What it cannot lack, as it was built with these options; empty where its config is not known.
    pub has: BTreeMap<Lack, String>,
    /// How it comes to be without what it may lack, as its config says; empty where that is not known.
    pub without: BTreeMap<Lack, String>,
    /// Why it has no fwctl, where that is known before it boots: then no guest of it is started.
    pub absent: Option<String>,
    /// Guests of it that others start from.
    pub kept: Kept,
}

/// How many times longer everything may take on an instrumented kernel: a boot with 19 devices took more than
/// the 100 s that it has otherwise.
const INSTRUMENTED: f64 = 5.0;

impl Kernel {
    /// The option with which it was built so that it cannot lack this, as far as its config is known.
    pub(crate) fn says_it_has(&self, lack: Lack) -> Option<&str> {
        self.has.get(&lack).map(String::as_str)
    }

    /// How it comes to be without this, which a guest of it says.
    pub(crate) fn is_without(&self, lack: Lack) -> &str {
        let unknown = match lack {
            Lack::Taint => "no /proc/sys/kernel/tainted",
            Lack::Modules => "the CXL drivers are built in",
            Lack::SlubDebug => "the slab allocator checks nothing",
            Lack::RawCommands => "its config does not say CONFIG_CXL_MEM_RAW_COMMANDS=y",
            Lack::RawRefusal => "its config does not say that CONFIG_CXL_MEM_RAW_COMMANDS is not set",
            Lack::Fwctl
            | Lack::Edac
            | Lack::Lockdown
            | Lack::UserNamespaces
            | Lack::Stack
            | Lack::Ia32
            | Lack::PcieHotplug => "its config, which could say why, is not known",
        };
        self.without.get(&lack).map_or(unknown, String::as_str)
    }

    /// How long things may take in a guest of it.
    pub(crate) fn deadlines(&self, accel: Accel, vcpus: u8) -> Deadlines {
        Deadlines::new(accel, vcpus).scaled(if self.instrumented { INSTRUMENTED } else { 1.0 })
    }
}

/// The part of the time for a boot after which another is tried. A boot that stops on its way, as about one in a
/// hundred does, does not go on; one that is only slow has the whole time when it is tried once more.
const FIRST_TRY: u32 = 5;

/// The same, with less time to boot: it is tried once more.
pub(crate) fn first_try(whole: Deadlines) -> Deadlines {
    Deadlines { boot: whole.boot / FIRST_TRY, ..whole }
}

/// Everything that sessions are run with.
pub struct Lab<'a> {
    /// QEMU.
    pub qemu: &'a Qemu,
    /// Who executes the guest's instructions.
    pub accel: Accel,
    /// Virtual CPUs of a guest.
    pub vcpus: u8,
    /// How many guests may run at the same time, at least 1.
    pub guests: usize,
    /// Whether guests may start from one that is kept, instead of each booting.
    pub keep: bool,
    /// Whether all values of a sweep are tried where its outcome is undefined, and not a sample of them.
    pub thorough: bool,
    /// When no further session is begun of those that are run for the first time; never where there is none.
    pub until: Option<Instant>,
    /// The device profiles.
    pub profiles: &'a Profiles,
    /// The sessions.
    pub sessions: &'a Sessions,
    /// What is done to the devices of the next session, for tests of what then happens.
    pub sabotage: Sabotage,
}

/// Makes the servers of a guest's devices go away under it.
#[derive(Debug, Default)]
pub struct Sabotage(AtomicBool);

impl Sabotage {
    /// Before the next session.
    pub fn arm(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it is now; it is so once.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

/// How many values a plain kernel tries of a sweep where only damage is looked for. One that watches itself shows more
/// of it, and tries all.
pub(crate) const SAMPLE: u64 = 500;

impl Lab<'_> {
    /// How many values a sweep takes at most where its outcome is undefined.
    pub(crate) fn sample(&self, kernel: &Kernel) -> Option<u64> {
        (!self.thorough && !kernel.instrumented).then_some(SAMPLE)
    }

    /// UUID and set version of a profile's Feature.
    pub fn feature(&self, profile: &str, name: &str) -> Option<(Uuid, u8)> {
        let feature = self.profiles.get(profile).ok()?.feature(name)?;
        Some((feature.uuid(), feature.set_version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instrumented_kernel_has_longer_for_everything() {
        let kernel = |instrumented| Kernel {
            id: "7.3".into(),
            image: PathBuf::new(),
            modules: Vec::new(),
            hz: None,
            instrumented,
            has: BTreeMap::new(),
            without: BTreeMap::new(),
            absent: None,
            kept: Kept::default(),
        };
        let plain = kernel(false).deadlines(Accel::Tcg, 2);
        assert_eq!(plain, Deadlines::new(Accel::Tcg, 2));
        assert_eq!(kernel(true).deadlines(Accel::Tcg, 2), plain.scaled(INSTRUMENTED));
    }
}
