//! A guest that is up: frames to and from its agent, its console, its devices, its end.
//!
//! Owns the deadlines of the channel and the errors that say how a guest was lost. Does not know what
//! the frames ask for.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use scrubjay_wire::{Hello, ToGuest, ToHost};

use crate::console::{Console, Short};
use crate::deadlines::Deadlines;
use crate::limit::Limit;
use crate::pump::Way;
use crate::qmp::QmpError;
use crate::spec::{Kind, Spec};
use crate::vm::{Ending, Next, PlugError, Vm};

/// How a guest was lost. The console in it is whole; shown are its last lines.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// A frame is due and none came. The guest may still live.
    #[error("the guest was silent for {within:?}; {console}")]
    Silent {
        /// How long.
        within: Duration,
        /// What the console said.
        console: Console,
    },
    /// The guest's time is over, whatever it is doing.
    #[error("the guest ran for more than {run:?}; {console}")]
    Overdue {
        /// [`Deadlines::run`].
        run: Duration,
        /// What the console said.
        console: Console,
    },
    /// The guest ended by itself: a fact about the kernel.
    #[error("the guest {death}; {console}")]
    Died {
        /// How.
        death: Death,
        /// What the console said.
        console: Console,
    },
    /// QEMU ended without the guest's doing: a fact about the host.
    #[error("QEMU ended: {}{}; {console}", status_text(*status), said(stderr))]
    QemuExited {
        /// How, if it is known.
        status: Option<ExitStatus>,
        /// What QEMU said.
        stderr: String,
        /// What the console said.
        console: Console,
    },
    /// QEMU runs, and has stopped the guest because it cannot go on.
    #[error("QEMU stopped the guest: {state}{}; {console}", said(stderr))]
    Stopped {
        /// QEMU's word for it, such as `internal-error`.
        state: String,
        /// What QEMU said.
        stderr: String,
        /// What the console said.
        console: Console,
    },
    /// What came is no frame.
    #[error("{way} carried no frame: {why}; {console}")]
    Garbled {
        /// The way.
        way: Way,
        /// What is wrong.
        why: String,
        /// What the console said.
        console: Console,
    },
    /// QEMU's monitor says what cannot be.
    #[error("QEMU's monitor is not to be believed: {why}; {console}")]
    Monitor {
        /// What it says.
        why: String,
        /// What the console said.
        console: Console,
    },
    /// The guest or QEMU does not take a frame.
    #[error("a frame for the guest was not taken; {console}")]
    NotTaken {
        /// Why.
        source: io::Error,
        /// What the console said.
        console: Console,
    },
    /// The agent gave up.
    #[error("the agent cannot go on: {why}; {console}")]
    Agent {
        /// What it said.
        why: String,
        /// What the console said.
        console: Console,
    },
    /// The console's file takes no more, so the run would not be on record.
    #[error("console file {path}: {why}")]
    ConsoleFile {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// How a guest ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Death {
    /// A panic; the line that says why.
    Panicked(String),
    /// A reset without a panic: a reboot, or a fault that the kernel could not report.
    Reset,
    /// It powered off.
    PoweredOff,
}

impl std::fmt::Display for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Death::Panicked(line) => write!(f, "panicked: {}", Short(line)),
            Death::Reset => f.write_str("reset itself without a panic"),
            Death::PoweredOff => f.write_str("powered off"),
        }
    }
}

/// How a guest that was told to power off went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// By itself.
    PoweredOff,
    /// Killed, because it did not go in time or went in another way.
    Killed,
}

/// How long the parts of a boot took, from QEMU's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootTimes {
    /// Until the kernel's first word on the console.
    pub output: Duration,
    /// Until the agent's first word.
    pub ready: Duration,
}

/// A running guest. Dropping it kills QEMU and leaves no process, socket or file.
pub struct Guest {
    vm: Vm,
    way: Way,
    hello: Hello,
    times: BootTimes,
    kinds: Vec<Kind>,
    console_file: Option<PathBuf>,
    deadlines: Deadlines,
    limit: Limit,
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest")
            .field("qemu", &self.vm.id())
            .field("way", &self.way)
            .field("release", &self.hello.release)
            .finish_non_exhaustive()
    }
}

impl Guest {
    pub(crate) fn new(
        vm: Vm,
        way: Way,
        hello: Hello,
        times: BootTimes,
        spec: &Spec,
        deadlines: Deadlines,
    ) -> Self {
        let kinds = spec.devices.iter().map(|device| device.kind.clone()).collect();
        let (console_file, limit) = (spec.console_file.clone(), spec.limit);
        Guest { vm, way, hello, times, kinds, console_file, deadlines, limit }
    }

    /// Whether it has said more than half of what it may: what else is asked of it is better asked of another.
    pub fn has_said_much(&self) -> bool {
        self.vm.said() > self.limit.frames() / 2
    }

    /// What the agent said of its kernel.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// By which way the agent talks.
    pub fn way(&self) -> Way {
        self.way
    }

    /// How long the boot took.
    pub fn times(&self) -> BootTimes {
        self.times
    }

    /// The deadlines that it was booted with.
    pub fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// QEMU's process id.
    pub fn qemu_pid(&self) -> u32 {
        self.vm.id().as_raw().unsigned_abs()
    }

    /// The console so far, whole.
    pub fn console(&self) -> Console {
        self.vm.console()
    }

    pub(crate) fn vm_mut(&mut self) -> &mut Vm {
        &mut self.vm
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// [`GuestError::NotTaken`] if it is not taken within [`Deadlines::silence`]; how the guest ended,
    /// if that is known already.
    pub fn send(&mut self, message: &ToGuest) -> Result<(), GuestError> {
        let Err(source) = self.vm.send(self.way, message) else { return Ok(()) };
        if source.kind() == io::ErrorKind::BrokenPipe {
            // QEMU is gone: say how, if that is to be had.
            if let Some(ending) = self.vm.ending(Instant::now() + self.deadlines.panic) {
                return Err(self.lost(ending));
            }
        }
        Err(GuestError::NotTaken { source, console: self.console() })
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// [`GuestError::Silent`] if none comes `within` the time given, after which the guest can still be
    /// listened to; [`GuestError::Overdue`] if the whole guest's time is over; any other is final, and
    /// comes again when asked again.
    pub fn receive(&mut self, within: Duration) -> Result<ToHost, GuestError> {
        let end = self.vm.started + self.deadlines.run;
        let until = Instant::now() + within;
        match self.vm.next(until.min(end)) {
            Next::Frame(way, _) if way != self.way => Err(GuestError::Garbled {
                way,
                why: format!("the agent talks by {}", self.way),
                console: self.console(),
            }),
            Next::Frame(_, message) => match *message {
                ToHost::Failed { why } => {
                    Err(GuestError::Agent { why: Short(&why).to_string(), console: self.console() })
                }
                message => Ok(message),
            },
            Next::Late if Instant::now() >= end => {
                Err(GuestError::Overdue { run: self.deadlines.run, console: self.console() })
            }
            Next::Late => Err(GuestError::Silent { within, console: self.console() }),
            Next::Ended(ending) => Err(self.lost(ending)),
        }
    }

    /// Asks the guest to let go of device `index` (a press of the slot's attention button) and waits
    /// until it has; frames that come meanwhile are kept. False if it has not let go `within` the time
    /// given. Linux takes five seconds before it acts (drivers/pci/hotplug/pciehp_ctrl.c,
    /// `pciehp_handle_button_press`).
    pub fn unplug(&mut self, index: usize, within: Duration) -> Result<bool, QmpError> {
        self.vm.unplug(index, Instant::now() + within)
    }

    /// Plugs device `index` into its slot again.
    pub fn plug(&mut self, index: usize) -> Result<(), PlugError> {
        match self.kinds.get(index) {
            Some(kind) => self.vm.plug(index, kind),
            None => Ok(()),
        }
    }

    /// Whether QEMU has taken device `index` out of its slot, asked by us or because the guest took the slot's power
    /// (hw/pci/pcie.c, `pcie_cap_slot_write_config`); frames that come meanwhile are kept.
    pub fn has_removed(&mut self, index: usize) -> bool {
        self.vm.has_removed(index)
    }

    /// What QEMU says that it is doing: `running`, `internal-error` and so on.
    pub fn qemu_state(&mut self) -> Result<String, QmpError> {
        self.vm.state()
    }

    /// Sends every CPU a non-maskable interrupt, which a kernel that no longer takes others still takes: it
    /// says so on the console, or panics there with its stack if it was booted with `unknown_nmi_panic`.
    pub fn nmi(&mut self) -> Result<(), QmpError> {
        self.vm.nmi()
    }

    /// Every CPU's registers, as text for a person: where a silent guest stands.
    pub fn registers(&mut self) -> Result<String, QmpError> {
        self.vm.registers()
    }

    /// Tells the guest to power off and waits for that; kills it if it has not within
    /// [`Deadlines::power_off`]. Gives the whole console too. Frames that come meanwhile are dropped.
    pub fn power_off(mut self) -> (Farewell, Console) {
        let until = Instant::now() + self.deadlines.power_off;
        let told = self.vm.send(self.way, &ToGuest::PowerOff).is_ok();
        let farewell = loop {
            match self.vm.next(until) {
                Next::Frame(..) => {}
                Next::Ended(Ending::PoweredOff) if told => break Farewell::PoweredOff,
                Next::Late | Next::Ended(_) => break Farewell::Killed,
            }
        };
        self.vm.kill();
        (farewell, self.console())
    }

    fn lost(&self, ending: Ending) -> GuestError {
        GuestError::from_ending(ending, &self.vm, self.console_file.as_deref())
    }
}

impl GuestError {
    pub(crate) fn from_ending(ending: Ending, vm: &Vm, console_file: Option<&Path>) -> Self {
        let console = vm.console();
        match ending {
            Ending::Panicked(line) => GuestError::Died { death: Death::Panicked(line), console },
            Ending::Reset => GuestError::Died { death: Death::Reset, console },
            Ending::PoweredOff => GuestError::Died { death: Death::PoweredOff, console },
            Ending::QemuExited(status) => GuestError::QemuExited { status, stderr: vm.stderr(), console },
            Ending::Stopped(state) => GuestError::Stopped { state, stderr: vm.stderr(), console },
            Ending::Garbled(way, why) => GuestError::Garbled { way, why, console },
            Ending::Monitor(why) => GuestError::Monitor { why, console },
            Ending::ConsoleFile(why) => {
                GuestError::ConsoleFile { path: console_file.unwrap_or(Path::new("")).to_owned(), why }
            }
        }
    }
}

fn status_text(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "in an unknown way".to_owned(), |status| status.to_string())
}

fn said(stderr: &str) -> String {
    let end = stderr.lines().rev().take(6).collect::<Vec<_>>();
    end.into_iter().rev().map(|line| format!("\n  {}", Short(line))).collect()
}
