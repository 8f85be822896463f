//! A guest that serves sessions: its devices, its settling, and what it said on the way up.

use std::time::{Duration, Instant};

use scrubjay_machine::{
    BootError, BootTimes, Console, Deadlines, Death, Guest, GuestError, HostTime, Limit, RunDir, Snapshot,
    SnapshotError, Spec, Stall,
};
use scrubjay_session::klog;
use scrubjay_session::lower::{Lowered, Surroundings, lower};
use scrubjay_session::{Boot, Performance, Session};
use scrubjay_wire::{Hello, Lack, LogLine, Settle, ToGuest, ToHost};

use crate::bank::Bank;
use crate::causes::with_causes;
use crate::converse::{Before, Spoken, converse};
use crate::plan::BootPlan;
use crate::prelude;
use crate::protocol::{Offence, Settled};
use crate::setup::{Kernel, Lab, first_try};

/// How long all devices together may take to come up, before scaling.
const SETTLE: Duration = Duration::from_millis(1_500);

/// A guest that is up.
pub struct Live {
    guest: Guest,
    bank: Bank,
    deadlines: Deadlines,
    boot: Boot,
    /// What the agent said of the kernel.
    pub hello: Hello,
    /// What the kernel said until its devices had settled.
    pub log: Vec<LogLine>,
    /// Whether each device has a fwctl node.
    pub nodes: Vec<bool>,
    /// The PCI address of each device.
    addresses: Vec<String>,
    /// CXL roots that the kernel had not bound and the agent did.
    pub bound: Vec<String>,
    /// The option with which the kernel was built so that it has fwctl.
    built_with_fwctl: Option<String>,
    taint: u64,
    sample: Option<u64>,
    /// How long it took to come up, part by part.
    pub rise: Rise,
    time: HostTime,
    /// Sockets of the devices; removed at last.
    _dir: RunDir,
}

/// How long the parts of coming up took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rise {
    /// The servers of the devices.
    pub devices: Duration,
    /// QEMU, its firmware and the unpacking of the kernel, until the kernel's first word.
    pub firmware: Duration,
    /// The kernel, until the agent's first word.
    pub kernel: Duration,
    /// Until every device had come up as far as its profile says.
    pub settle: Duration,
}

/// The boots that it took to bring a guest up.
#[derive(Debug, Default)]
pub struct Tries {
    /// How many.
    pub booted: u32,
    /// Why there was another, each time.
    pub again: Vec<String>,
}

/// A guest that did not come up.
pub struct Fallen {
    /// Why.
    pub why: Failure,
    /// That the host did not give it its time: then it is no fault of the kernel.
    pub stall: Option<Stall>,
}

/// Why a guest did not come up.
pub enum Failure {
    /// The kernel died on the way: its last words.
    Panicked(Vec<LogLine>),
    /// It stopped on the way, and not of what is under test.
    Silent(String),
    /// It could not be tested.
    Other(String),
}

impl From<GuestError> for Failure {
    fn from(error: GuestError) -> Self {
        match &error {
            GuestError::Died { death: Death::Panicked(_) | Death::Reset, console } => {
                Failure::Panicked(crate::converse::damage_lines(&console.0))
            }
            _ => Failure::Other(with_causes(&error)),
        }
    }
}

impl From<BootError> for Failure {
    fn from(error: BootError) -> Self {
        let hurt = |console: &Console| {
            let lines = crate::converse::damage_lines(&console.0);
            names_drivers(&lines).then_some(Failure::Panicked(lines))
        };
        match error {
            BootError::Guest { source, .. } => match Failure::from(*source) {
                Failure::Panicked(lines) if !names_drivers(&lines) => {
                    let said = lines.first().map_or("no report", |line| line.text.as_str());
                    Failure::Silent(format!(
                        "the kernel died on the way up, of nothing that is under test: {said}"
                    ))
                }
                other => other,
            },
            // A kernel that was hurt on the way and then waits for ever has not just been slow.
            BootError::TooSlow { ref console, .. } | BootError::NoAgent { ref console, .. } => {
                hurt(console).unwrap_or_else(|| Failure::Silent(with_causes(&error)))
            }
            BootError::NoOutput { .. } => Failure::Silent(with_causes(&error)),
            other => Failure::Other(with_causes(&other)),
        }
    }
}

/// Whether a report has to do with the drivers under test. What kills a kernel on the way up without them says
/// nothing of them: on a busy host the switch to per-CPU HPET channels can meet a tick that is broadcast
/// (kernel/time/tick-broadcast.c, `tick_do_broadcast`).
fn names_drivers(lines: &[LogLine]) -> bool {
    let names =
        |line: &LogLine| ["cxl", "fwctl", "edac"].iter().any(|name| line.text.to_lowercase().contains(name));
    // The interrupt may have come while a driver was at work: then its frames are below.
    let is_tick = lines.iter().any(|line| line.text.contains("tick_do_broadcast"));
    !is_tick && lines.iter().any(|line| names(line) && !line.text.starts_with("Modules linked in"))
}

/// Boots a guest without a device and keeps it. That the host gave it little time does no harm: its clocks need no
/// measuring, and what is told of a kernel is seen in a guest that booted.
pub fn keep(lab: &Lab, kernel: &Kernel, command_line: &str, tries: &mut Tries) -> Result<Snapshot, String> {
    let spec = spec(lab, kernel, command_line)?;
    let whole = kernel.deadlines(lab.accel, lab.vcpus);
    tries.booted += 1;
    let taken = match Snapshot::take(lab.qemu, &spec, &first_try(whole)) {
        taken @ (Ok(_) | Err(SnapshotError::Accelerator(_) | SnapshotError::Refused(_))) => taken,
        Err(error) => {
            tries.again.push(with_causes(&error));
            tries.booted += 1;
            Snapshot::take(lab.qemu, &spec, &whole)
        }
    };
    taken.map_err(|error| with_causes(&error))
}

/// A guest without a device.
fn spec(lab: &Lab, kernel: &Kernel, command_line: &str) -> Result<Spec, String> {
    let mut spec = Spec::new(&kernel.image, lab.accel);
    spec.modules = kernel.modules.clone();
    spec.hz = kernel.hz;
    spec.vcpus = lab.vcpus;
    spec.append = command_line.to_owned();
    spec.limit = Limit::from_env().map_err(|e| e.to_string())?;
    Ok(spec)
}

/// What a guest for a plan is made of, its devices served.
pub struct Parts {
    /// Sockets of the devices.
    pub dir: RunDir,
    /// The devices.
    pub bank: Bank,
    /// The guest, with the agent.
    pub spec: Spec,
    /// Watches from now on.
    pub time: HostTime,
}

impl Parts {
    /// Serves the devices and describes the guest. So many guests run at once, this one included.
    pub fn new(lab: &Lab, kernel: &Kernel, plan: &BootPlan, at_once: usize) -> Result<Self, String> {
        let dir = RunDir::new().map_err(|e| with_causes(&e))?;
        let bank = Bank::serve(&plan.devices, lab.profiles, dir.path())?;
        let mut spec = spec(lab, kernel, &plan.command_line)?;
        spec.devices = bank.plugged(dir.path());
        let time = HostTime::watch(at_once * usize::from(lab.vcpus));
        spec.host_time = Some(time.clone());
        Ok(Parts { dir, bank, spec, time })
    }
}

impl Live {
    /// Brings up a guest for a plan, from one that is kept if there is one, and waits until its devices have settled;
    /// so many run at once.
    pub fn up(
        lab: &Lab,
        kernel: &Kernel,
        plan: &BootPlan,
        kept: Option<&Snapshot>,
        at_once: usize,
        tries: &mut Tries,
    ) -> Result<Self, Fallen> {
        let whole = kernel.deadlines(lab.accel, lab.vcpus);
        if kept.is_some() {
            return Self::start(lab, kernel, plan, kept, at_once, whole);
        }
        tries.booted += 1;
        match Self::start(lab, kernel, plan, None, at_once, first_try(whole)) {
            // On a busy host a guest now and then loses an interrupt of its HPET before anything
            // else could wake it, or dies of one.
            Err(Fallen { why: Failure::Silent(why), .. }) => {
                tracing::warn!(kernel = %kernel.id, why, "a guest stopped on the way up and is booted once more");
                tries.again.push(why);
                tries.booted += 1;
                Self::start(lab, kernel, plan, None, at_once, whole)
            }
            other => other,
        }
    }

    fn start(
        lab: &Lab,
        kernel: &Kernel,
        plan: &BootPlan,
        kept: Option<&Snapshot>,
        at_once: usize,
        deadlines: Deadlines,
    ) -> Result<Self, Fallen> {
        let start = Instant::now();
        let parts = Parts::new(lab, kernel, plan, at_once);
        let parts = parts.map_err(|why| Fallen { why: Failure::Other(why), stall: None })?;
        let time = parts.time.clone();
        let live = Self::start_parts(lab, kernel, plan, parts, (kept, deadlines), start);
        live.map_err(|why| Fallen { why, stall: time.stall() })
    }

    fn start_parts(
        lab: &Lab,
        kernel: &Kernel,
        plan: &BootPlan,
        parts: Parts,
        (kept, deadlines): (Option<&Snapshot>, Deadlines),
        start: Instant,
    ) -> Result<Self, Failure> {
        let Parts { dir, bank, spec, time } = parts;
        let devices = start.elapsed();
        let ports: Vec<_> =
            (0..spec.devices.len()).map(|i| spec.port_address(i).unwrap_or_default()).collect();
        let guest = match kept {
            None => Guest::boot(lab.qemu, &spec, &deadlines).map_err(Failure::from)?,
            Some(kept) => Guest::start(lab.qemu, &spec, kept, &deadlines)
                .map_err(|error| Failure::Other(with_causes(&error)))?,
        };
        let BootTimes { output, ready } = guest.times();
        let rise =
            Rise { devices, firmware: output, kernel: ready.saturating_sub(output), settle: Duration::ZERO };
        let mut hello = guest.hello().clone();
        // A guest knows of these only where its kernel shows its config, which the host may have.
        let by_config = |lack: &Lack| matches!(lack, Lack::RawCommands | Lack::RawRefusal);
        hello.lacks.retain(|lack| !by_config(lack) || kernel.says_it_has(*lack).is_none());
        let mut live = Live {
            guest,
            bank,
            deadlines,
            boot: plan.boot,
            hello,
            log: Vec::new(),
            nodes: Vec::new(),
            addresses: Vec::new(),
            bound: Vec::new(),
            built_with_fwctl: kernel.says_it_has(Lack::Fwctl).map(str::to_owned),
            taint: 0,
            sample: lab.sample(kernel),
            rise,
            time,
            _dir: dir,
        };
        let start = Instant::now();
        live.settle(|i| ports[i].clone())?;
        live.rise.settle = start.elapsed();
        Ok(live)
    }

    /// The longest time that the host kept the guest or its devices from running, since it was started.
    pub fn stall(&self) -> Option<Stall> {
        self.time.stall()
    }

    fn settle(&mut self, port: impl Fn(usize) -> String) -> Result<(), Failure> {
        let deadline = SETTLE.mul_f64(self.deadlines.patience());
        let devices = self.bank.attached(port);
        let ask = Settle { devices, deadline_ms: deadline.as_millis() as u32 };
        self.guest.send(&ToGuest::Settle(ask)).map_err(Failure::from)?;
        let offended = |offence: Offence| Failure::Other(format!("the guest broke the protocol: {offence}"));
        match self.guest.receive(deadline + self.deadlines.silence).map_err(Failure::from)? {
            ToHost::Settled { reached, nodes, addresses, bound, log, taint } => {
                self.taint = taint;
                let settled = Settled { nodes, addresses, bound, log };
                let settled = settled.check(&reached, self.bank.len()).map_err(offended)?;
                self.bound = settled.bound;
                self.nodes = settled.nodes;
                self.addresses = settled.addresses;
                self.log = settled.log;
                Ok(())
            }
            other => Err(offended(Offence::OutOfTurn { said: other.name(), due: "`settled`".to_owned() })),
        }
    }

    /// What hurt the kernel on the way up.
    pub fn damage(&self) -> Option<String> {
        let events = self.log.iter().filter_map(klog::classify);
        events.filter(|e| e.class.is_damage()).map(|e| format!("{}: {}", e.class.name(), e.what)).next()
    }

    /// The evidence that this kernel knows no fwctl. It is the guest's word, held against the kernel's config where
    /// that is known.
    pub fn without_class(&self) -> Option<String> {
        let missing = "no fwctl class: /sys/class/fwctl is not there";
        self.hello.lacks.contains(&Lack::Fwctl).then(|| match &self.built_with_fwctl {
            None => missing.to_owned(),
            Some(option) => {
                format!("{missing}, as the guest says, although the kernel was built with {option}")
            }
        })
    }

    /// The evidence that it gives no device a node. One device without says nothing of the kernel: it may
    /// be the device that misbehaves, and its session says what is missing.
    pub fn without_nodes(&self) -> Option<String> {
        let expected = self.bank.expect_nodes();
        let wanting = expected.iter().filter(|&&e| e).count();
        let there = expected.iter().zip(&self.nodes).filter(|(e, n)| **e && **n).count();
        (wanting > 1 && there == 0)
            .then(|| format!("the fwctl class is there, but none of {wanting} devices with Features for user space has a node"))
    }

    /// Taints the kernel where the boot is to be a tainted one.
    pub fn prepare(&mut self, plan: &BootPlan, lab: &Lab) -> Result<(), String> {
        let with_node = self.nodes.iter().position(|&n| n);
        if !prelude::needed(self.boot) {
            return Ok(());
        }
        let device =
            with_node.and_then(|i| plan.devices.get(i)).ok_or("no device of this boot has a fwctl node")?;
        let session = prelude::session(&device.profile);
        let lowered = self.lower(&session, lab)?;
        let spoken = self.converse(&session, &lowered);
        match spoken.performance {
            Performance::Performed(_) => Ok(()),
            other => Err(format!("the kernel could not be tainted: {other:?}")),
        }
    }

    /// Performs a session.
    pub fn perform(&mut self, session: &Session, lab: &Lab) -> Result<Spoken, String> {
        let lowered = self.lower(session, lab)?;
        Ok(self.converse(session, &lowered))
    }

    fn lower(&self, session: &Session, lab: &Lab) -> Result<Lowered, String> {
        let surroundings = Surroundings {
            feature: &|profile, name| lab.feature(profile, name),
            devices: &self.bank.indices(session),
            patience: self.deadlines.patience(),
            sample: self.sample,
        };
        lower(session, &surroundings).map_err(|e| e.to_string())
    }

    fn converse(&mut self, session: &Session, lowered: &Lowered) -> Spoken {
        let expected = prelude::taint(self.boot);
        let before = Before { taint: self.taint, expected, log: &self.log, addresses: &self.addresses };
        let spoken = converse(&mut self.guest, &self.bank, session, lowered, self.deadlines.silence, &before);
        if let Performance::Performed(transcript) = &spoken.performance {
            self.taint = transcript.steps.last().map_or(self.taint, |seen| seen.aside.taint_after);
        }
        spoken
    }

    /// Messages that the servers of its devices have answered.
    pub fn messages(&self) -> u64 {
        self.bank.messages()
    }

    /// Makes the servers of all devices go away.
    pub fn abandon_devices(&self) {
        self.bank.abandon();
    }

    /// The console so far.
    pub fn console(&self) -> Console {
        self.guest.console()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_tick(&["BUG: kernel NULL pointer dereference, address: 0", "RIP: 0010:0x0", " tick_do_broadcast.constprop.0+0x64/0x70"], false)]
    #[case::a_tick_in_a_probe(&["RIP: 0010:0x0", " tick_do_broadcast.constprop.0+0x64/0x70", " </IRQ>", " cxl_pci_probe+0x1/0x2"], false)]
    #[case::a_tick_with_modules(&["Oops: 0010", "Modules linked in: cxl_mem cxl_core fwctl"], false)]
    #[case::a_probe(&["BUG: kernel NULL pointer dereference, address: 8", " devm_cxl_memdev_edac_register+0x1/0x2"], true)]
    #[case::a_class(&["WARNING: CPU: 0", "RIP: 0010:fwctl_register+0x1/0x2"], true)]
    #[case::nothing(&[], false)]
    fn a_report_is_of_the_drivers_or_not(#[case] lines: &[&str], #[case] theirs: bool) {
        let line =
            |text: &&str| LogLine { seq: 0, micros: 0, level: 0, caller: None, text: (*text).to_owned() };
        assert_eq!(names_drivers(&lines.iter().map(line).collect::<Vec<_>>()), theirs);
    }
}
