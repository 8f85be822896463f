//! What a benchmark gives: `scrubjay.bench/1`. Measures nothing.

use schemars::JsonSchema;
use serde::Serialize;

/// The form that this program writes.
pub const FORMAT: &str = "scrubjay.bench/1";

/// What is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Targets {
    /// The shared boot with all its sessions, against a bare one: at most.
    pub shared_ratio: f64,
    /// Processor time of this process for a step of a shared session, in microseconds: at most.
    pub step_micros: f64,
    /// A Get Feature in the median, in microseconds: at most.
    pub get_micros: f64,
    /// Memory of this process in KiB: below.
    pub peak_kib: u64,
    /// All sessions but sweeps on one kernel, in seconds: at most.
    pub run_seconds: f64,
}

/// The targets.
pub const TARGETS: Targets = Targets {
    shared_ratio: 1.3,
    step_micros: 1000.0,
    get_micros: 300.0,
    peak_kib: 100 << 10,
    run_seconds: 15.0,
};

/// All figures of one run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Figures {
    /// [`FORMAT`].
    pub format: String,
    /// The kernel's id.
    pub kernel: String,
    /// `uname -r`.
    pub release: String,
    /// QEMU and its version.
    pub qemu: String,
    /// The accelerator, and why that one.
    pub accelerator: String,
    /// Virtual CPUs of a guest.
    pub vcpus: u8,
    /// How busy the host was.
    pub host: Host,
    /// What is aimed at.
    pub targets: Targets,
    /// The shared boot.
    pub shared: Shared,
    /// Single calls.
    pub calls: Calls,
    /// A whole run.
    pub everything: Everything,
    /// The host side's memory.
    pub memory: Memory,
}

/// How busy the host was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Host {
    /// How many processors it has.
    pub processors: usize,
    /// The load average of the minute before.
    pub load_average: f64,
    /// Which share of the processors' time went to other work meanwhile, 0 to 1.
    pub others: f64,
    /// Whether that is so little that times mean something.
    pub is_quiet: bool,
}

/// The shared boot with all its sessions, beside the same guest booted to a PID 1 that powers off at once.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Shared {
    /// How many sessions.
    pub sessions: usize,
    /// How many devices.
    pub devices: usize,
    /// How many pairs were measured.
    pub pairs: usize,
    /// With all sessions: the median.
    pub seconds: f64,
    /// The bare boot: the median.
    pub bare_seconds: f64,
    /// The median of the pairs' ratios.
    pub ratio: f64,
    /// How many steps its sessions have.
    pub steps: usize,
    /// Processor time that this process took for a step, with the devices that it serves and without QEMU, in
    /// microseconds: the median.
    pub step_micros: f64,
    /// Where the time goes, in the median.
    pub laps: Laps,
    /// The sessions that took longest, in the median, and their seconds.
    pub longest: Vec<(String, f64)>,
}

/// How long the parts of a guest's life take, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Laps {
    /// The servers of the devices.
    pub devices: f64,
    /// QEMU, its firmware and the unpacking of the kernel, until the kernel's first word.
    pub firmware: f64,
    /// The kernel, until the agent's first word.
    pub kernel: f64,
    /// Until every device has come up as far as its profile says.
    pub settle: f64,
    /// All sessions, with what prepares the guest for them.
    pub sessions: f64,
    /// Until nothing of the guest is left.
    pub end: f64,
    /// All of it.
    pub whole: f64,
}

/// Single calls, all in one guest, by turns.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Calls {
    /// A Get Feature of 8 bytes.
    pub get_8: Call,
    /// A Get Feature of 1 KiB.
    pub get_1024: Call,
    /// A read of the scrub cycle through EDAC, on the emulated device; `null` where the kernel has no EDAC.
    pub edac: Option<Call>,
    /// The same on QEMU's own device.
    pub edac_stock: Option<Call>,
}

/// One kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Call {
    /// How many were made.
    pub calls: usize,
    /// One takes so many microseconds, in the median.
    pub micros: f64,
    /// One takes so many vfio-user messages, in the mean; those of QEMU's own device take none.
    pub messages: f64,
}

/// All sessions, each boot timed, one guest at a time.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Everything {
    /// Boots of one kind together, the shared ones first.
    pub groups: Vec<Group>,
    /// All guests: the sum of their times.
    pub laps: Laps,
    /// The sweeps.
    pub sweeps: Vec<Sweep>,
}

/// Boots of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// The boot kind and the kernel's parameters, or `own` for those that serve one session each.
    pub name: String,
    /// How many guests were booted.
    pub boots: usize,
    /// How many sessions they served.
    pub sessions: usize,
    /// The sum of their times.
    pub laps: Laps,
}

/// One sweep.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Sweep {
    /// The session.
    pub session: String,
    /// The step.
    pub step: String,
    /// How many calls it makes.
    pub calls: u64,
    /// How long it takes.
    pub seconds: f64,
    /// Calls a second.
    pub rate: f64,
}

/// Memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Memory {
    /// The most that this process had, in KiB.
    pub peak_kib: u64,
}
