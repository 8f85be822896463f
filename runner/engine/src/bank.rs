//! The devices of one guest: serves them, resets them, acts as their firmware, takes them out of their slots.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use scrubjay_device::{Device, DeviceError};
use scrubjay_machine::{Device as Plugged, Guest, Kind, Port};
use scrubjay_session::cxl::profile::{Attach, Fault, Profile, Profiles};
use scrubjay_session::lower::HostAction;
use scrubjay_session::{MailboxCommand, Session};
use scrubjay_uapi::cxl::Selection;
use scrubjay_wire::Attached;

use crate::causes::with_causes;
use crate::plan::Placed;

/// How long the firmware waits for the kernel to ring a doorbell that it was told to keep.
const HELD_DEADLINE: Duration = Duration::from_secs(10);

/// A doorbell let go later than this may have met a kernel that had given up on it: it waits 2 s
/// (drivers/cxl/pci.c, CXL_MAILBOX_TIMEOUT_MS), and its clock runs on while the host is busy elsewhere. Counted from
/// when the device saw the ring; that this was long after the kernel rang, a stall of the host
/// ([`Stall`](scrubjay_machine::Stall)) or the kernel's own message shows.
pub const LATE: Duration = Duration::from_millis(1_600);

/// How many times a step's deadline a kernel may take to let a device go: it waits 5 s for a second press of
/// the button, and then as long as removing the device takes (drivers/pci/hotplug/pciehp_ctrl.c).
const UNPLUG_STEPS: u32 = 3;

/// Set Timestamp (CXL r3.2, 8.2.10.4.2): its input is the time of day, which is made 0.
const SET_TIMESTAMP: u16 = 0x0301;

/// Memory of a stock device: the least that the specification's granularity allows.
const STOCK_MIB: u32 = 256;

/// Why the firmware or the machine could not act as a session asked.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// It cannot.
    #[error("{0}")]
    Refused(String),
    /// It did, so late that what the kernel then did says nothing of the kernel.
    #[error(
        "the host is too busy: the firmware let its doorbell go after {} ms, and a kernel waits 2 s",
        .0.as_millis()
    )]
    Late(Duration),
}

/// The devices of a guest, in the order that it counts them.
pub struct Bank(Vec<Member>);

struct Member {
    placed: Placed,
    profile: Profile,
    /// `None` where QEMU has the device itself.
    device: Option<Device>,
    /// It was taken out of its slot.
    out: AtomicBool,
}

impl Bank {
    /// Serves every device that is ours to serve, each on a socket in `dir`.
    pub fn serve(devices: &[Placed], profiles: &Profiles, dir: &Path) -> Result<Self, String> {
        let mut bank = Vec::new();
        for (i, placed) in devices.iter().enumerate() {
            let profile = profiles.get(&placed.profile).map_err(|e| e.to_string())?.clone();
            let device = profile.is_served().then(|| Device::serve(&profile, &dir.join(format!("d{i}"))));
            let device = device.transpose().map_err(|e| e.to_string())?;
            bank.push(Member { placed: placed.clone(), profile, device, out: AtomicBool::new(false) });
        }
        Ok(Bank(bank))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What the guest is to be built with.
    pub fn plugged(&self, dir: &Path) -> Vec<Plugged> {
        let plug = |(i, Member { profile, .. }): (usize, &Member)| {
            let socket = dir.join(format!("d{i}"));
            match profile.attach {
                Attach::CxlEndpoint => Plugged { port: Port::Cxl, kind: Kind::VfioUser { socket } },
                Attach::Pcie => Plugged { port: Port::Pcie, kind: Kind::VfioUser { socket } },
                Attach::QemuCxlType3 => Plugged {
                    port: Port::Cxl,
                    kind: Kind::StockType3 { size_mib: STOCK_MIB, serial: profile.serial.0 },
                },
            }
        };
        self.0.iter().enumerate().map(plug).collect()
    }

    /// What the agent is told of each, given the address of its port.
    pub fn attached(&self, port: impl Fn(usize) -> String) -> Vec<Attached> {
        let attach = |(i, Member { profile, .. }): (usize, &Member)| Attached {
            name: profile.id.clone(),
            port: port(i),
            until: profile.until,
        };
        self.0.iter().enumerate().map(attach).collect()
    }

    /// Whether each device has a Feature that the kernel leaves to user space.
    pub fn expect_nodes(&self) -> Vec<bool> {
        let open_to_users = |p: &Profile| p.is_served() && p.features.iter().any(|f| f.known().is_none());
        self.0.iter().map(|member| open_to_users(&member.profile)).collect()
    }

    /// Where the guest has the devices of a session: those that are for it alone, else those that all
    /// share. What taints the kernel before the first session uses any.
    pub fn indices(&self, session: &Session) -> Vec<u16> {
        let index = |profile: &String| {
            let of = |owner: Option<&str>| {
                let is_it = |p: &Placed| p.profile == *profile && p.owner.as_deref() == owner;
                self.0.iter().position(|member| is_it(&member.placed))
            };
            let any = || self.0.iter().position(|member| member.placed.profile == *profile);
            of(Some(&session.id)).or_else(|| of(None)).or_else(any)
        };
        session.devices.iter().map(|id| index(id).map_or(u16::MAX, |i| i as u16)).collect()
    }

    /// Puts a device back to what its profile says, without the kernel's notice.
    pub fn reset(&self, index: u16) {
        if let Some(device) = self.device(index) {
            device.reset();
        }
    }

    /// The commands that the devices of a session received since the last call, device by device.
    pub fn take_traces(&self, indices: &[u16]) -> Vec<MailboxCommand> {
        let mut trace = Vec::new();
        for (device, index) in (0..).zip(indices) {
            let received = self.device(*index).into_iter().flat_map(Device::take_trace);
            trace.extend(received.map(|command| MailboxCommand { device, ..command }));
        }
        for command in trace.iter_mut().filter(|c| c.opcode == SET_TIMESTAMP) {
            command.input.0.fill(0);
        }
        trace
    }

    /// Messages that the servers have answered so far.
    pub fn messages(&self) -> u64 {
        self.served().map(Device::messages).sum()
    }

    /// That every server still serves; the name of one that does not.
    pub fn dead(&self) -> Option<&str> {
        let dead = self.0.iter().find(|member| member.device.as_ref().is_some_and(|d| !d.alive()));
        dead.map(|member| member.profile.id.as_str())
    }

    /// The devices, by index and profile, that we did not take out and whose client, QEMU, has gone: it ended, took the
    /// device out at the guest's word, or gave up on a server that answered too late. Then every later access of the
    /// guest's fails, whatever the kernel does.
    pub fn clients_gone(&self) -> impl Iterator<Item = (usize, &str)> {
        let gone = |member: &Member| {
            !member.out.load(Ordering::Relaxed) && member.device.as_ref().is_some_and(Device::client_gone)
        };
        let members = self.0.iter().enumerate().filter(move |(_, member)| gone(member));
        members.map(|(index, member)| (index, member.profile.id.as_str()))
    }

    /// Notes whether a device is out of its slot.
    fn note_out(&self, index: u16, out: bool) {
        if let Some(member) = self.0.get(usize::from(index)) {
            member.out.store(out, Ordering::Relaxed);
        }
    }

    /// Makes every server go away.
    pub fn abandon(&self) {
        self.served().for_each(Device::abandon);
    }

    /// Whether a device of the session has faults in its profile.
    pub fn misbehaves(&self, indices: &[u16]) -> bool {
        let profile = |i: &u16| self.0.get(usize::from(*i)).map(|member| &member.profile);
        indices.iter().filter_map(profile).any(|profile| !profile.faults.is_empty())
    }

    /// Lets go of every doorbell, so that no guest waits for a session that is over.
    pub fn release_all(&self) {
        self.served().for_each(|device| {
            device.release();
        });
    }

    /// The devices that are ours to serve.
    fn served(&self) -> impl Iterator<Item = &Device> {
        self.0.iter().filter_map(|member| member.device.as_ref())
    }

    fn device(&self, index: u16) -> Option<&Device> {
        self.0.get(usize::from(index)).and_then(|member| member.device.as_ref())
    }

    /// Acts as the firmware, or on a slot of the machine; what there is to say of it goes into the step's
    /// `text`.
    pub fn act(
        &self,
        action: &HostAction,
        indices: &[u16],
        guest: &mut Guest,
    ) -> Result<Option<String>, ActError> {
        let index = |session_device: usize| indices.get(session_device).copied().unwrap_or(u16::MAX);
        let device = |session_device: usize| -> Result<&Device, ActError> {
            self.device(index(session_device)).ok_or_else(|| {
                ActError::Refused("this device is not ours: its firmware cannot act".to_owned())
            })
        };
        let said = |e: DeviceError| ActError::Refused(e.to_string());
        match action {
            HostAction::Probe => Ok(None),
            HostAction::Set(set) => {
                let selection = Selection::from_number(set.selection.0)
                    .ok_or_else(|| ActError::Refused(format!("selection {} cannot be set", set.selection)))?;
                device(set.device)?
                    .set_value(&set.feature, selection, usize::from(set.offset), &set.bytes)
                    .map_err(said)?;
                Ok(None)
            }
            HostAction::Fail(fail) => {
                device(fail.device)?.fail_next(fail.opcode.0, fail.code, fail.times);
                Ok(None)
            }
            HostAction::Fault(fault) => {
                let (on, play) = (fault.on.clone(), fault.play.clone());
                let target = device(fault.device)?;
                if let Some(name) = &on.feature {
                    target.value(name, Selection::Current).map_err(said)?;
                }
                target.inject(Fault { on, play });
                Ok(None)
            }
            HostAction::Hold { device: d, opcode } => {
                device(*d)?.hold(*opcode);
                Ok(None)
            }
            HostAction::AwaitHeld { device: d } => {
                let held = device(*d)?.await_held(HELD_DEADLINE);
                Ok(Some(if held { "held" } else { "not held" }.to_owned()))
            }
            HostAction::Release { device: d } => {
                let held = device(*d)?.release();
                if held > LATE { Err(ActError::Late(held)) } else { Ok(None) }
            }
            HostAction::Unplug { device } => {
                let within = guest.deadlines().step * UNPLUG_STEPS;
                let went = guest.unplug(index(*device).into(), within);
                let went = went.map_err(|e| ActError::Refused(with_causes(&e)))?;
                self.note_out(index(*device), went);
                Ok(Some(if went { "gone" } else { "kept" }.to_owned()))
            }
            HostAction::Plug { device } => {
                guest.plug(index(*device).into()).map_err(|e| ActError::Refused(with_causes(&e)))?;
                self.note_out(index(*device), false);
                Ok(None)
            }
        }
    }
}
