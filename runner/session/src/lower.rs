//! Lowers a session into raw operations: what the agent performs and what the host does meanwhile.
//!
//! Builds bytes; performs nothing.

use scrubjay_uapi::cxl::KnownFeature;
use scrubjay_wire::{Anchor, GuestStep, Op, Program, Where};
use uuid::Uuid;

use crate::action::{Access, Node, Place};
use crate::call::{self, Call};
use crate::cxl::action::{Driver, FirmwareFail, FirmwareFault, FirmwareSet};
use crate::cxl::call as cxl;
use crate::cxl::memdev;
use crate::cxl::names::feature;
use crate::descriptors::Descriptors;
use crate::session::Session;
use crate::shape::Shape;
use crate::step::{Action, Step};
use crate::wrong::Wrong;

/// Milliseconds until a step counts as hung, where it does not say otherwise.
pub const STEP_DEADLINE_MS: u32 = 5_000;

/// The most bytes of buffers that a session may have: what the host holds and the guest lays.
const MOST_LAID: usize = 256 << 20;

/// A session ready to be performed.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// For the agent.
    pub program: Program,
    /// By ticket: what the host has to know of each step.
    pub steps: Vec<Meta>,
}

/// What the host knows of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// The step's id.
    pub id: String,
    /// What the device does before the step may go on.
    pub host: Option<HostAction>,
    /// How its answer is read.
    pub shape: Shape,
}

/// What the firmware or the machine does by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum HostAction {
    /// Shows what came before the session.
    Probe,
    /// Changes a value.
    Set(FirmwareSet),
    /// Fails the next commands.
    Fail(FirmwareFail),
    /// Misbehaves.
    Fault(FirmwareFault),
    /// Keeps the next doorbell.
    Hold {
        /// Index into the session's devices.
        device: usize,
        /// Of this opcode.
        opcode: u16,
    },
    /// Waits until a doorbell is kept.
    AwaitHeld {
        /// Index into the session's devices.
        device: usize,
    },
    /// Lets the doorbell go.
    Release {
        /// Index into the session's devices.
        device: usize,
    },
    /// Leaves its slot.
    Unplug {
        /// Index into the session's devices.
        device: usize,
    },
    /// Comes into its slot.
    Plug {
        /// Index into the session's devices.
        device: usize,
    },
}

/// Why a session cannot be lowered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("session `{session}`: at `{place}`: {why}")]
pub struct LowerError {
    /// The session's id.
    pub session: String,
    /// The place in its file.
    pub place: String,
    /// What is wrong, and the remedy.
    pub why: String,
}

/// UUID and set version of a profile's Feature, by profile and name.
pub type FeatureLookup<'a> = dyn Fn(&str, &str) -> Option<(Uuid, u8)> + 'a;

/// What lowering has to know of the surroundings.
pub struct Surroundings<'a> {
    /// Where a session's Features are looked up.
    pub feature: &'a FeatureLookup<'a>,
    /// Where the guest has the session's devices.
    pub devices: &'a [u16],
    /// By what the deadlines are multiplied.
    pub patience: f64,
    /// How many values a sweep takes at most whose outcome is undefined; all of them where this is none.
    pub sample: Option<u64>,
}

/// Lowers a session.
///
/// # Errors
/// A Feature that neither the profile nor the kernel's list knows; a call that cannot be laid out.
pub fn lower(session: &Session, surroundings: &Surroundings) -> Result<Lowered, LowerError> {
    let mut lowering =
        Lowering { session, surroundings, descriptors: Descriptors::default(), metas: Vec::new(), laid: 0 };
    let steps = lowering.steps(&session.steps)?;
    Ok(Lowered { program: Program { session: session.id.clone(), steps }, steps: lowering.metas })
}

struct Lowering<'a> {
    session: &'a Session,
    surroundings: &'a Surroundings<'a>,
    descriptors: Descriptors,
    metas: Vec<Meta>,
    /// Bytes of all buffers so far.
    laid: usize,
}

impl Lowering<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<Vec<GuestStep>, LowerError> {
        steps.iter().map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &Step) -> Result<GuestStep, LowerError> {
        let ticket = self.metas.len() as u32;
        self.metas.push(Meta { id: step.id.clone(), host: host_action(&step.action), shape: Shape::Plain });
        let (op, shape) = self.op(step)?;
        self.metas[ticket as usize].shape = shape;
        let deadline = f64::from(step.deadline_ms.unwrap_or(STEP_DEADLINE_MS)) * self.surroundings.patience;
        Ok(GuestStep { ticket, deadline_ms: deadline as u32, op })
    }

    fn op(&mut self, step: &Step) -> Result<(Op, Shape), LowerError> {
        let session = self.session;
        let refuse = |Wrong { place, why }: Wrong| LowerError {
            session: session.id.clone(),
            place: format!("{}.do.{place}", session.place_of(&step.id)),
            why,
        };
        let plain = |op| Ok((op, Shape::Plain));
        self.descriptors.take(self.metas.len(), &step.action);
        match &step.action {
            Action::Open(open) => {
                let anchor = match open.node {
                    Node::Fwctl => Anchor::Node,
                    Node::Memdev => Anchor::MemdevNode,
                };
                let flags = match open.access {
                    Access::ReadOnly => 0,
                    Access::WriteOnly => 1,
                    Access::ReadWrite => 2,
                };
                let at = self.at(open.device, anchor, "");
                plain(Op::Open { slots: open.slots(), at, flags })
            }
            Action::Close(slot) => plain(Op::Close { slot: slot.slot.clone() }),
            Action::Dup(dup) => plain(Op::Dup { from: dup.from.clone(), to: dup.to.clone() }),
            Action::Reopen(dup) => plain(Op::Reopen { from: dup.from.clone(), to: dup.to.clone() }),
            action if crate::session::is_call(action) => {
                let call = self.call(action).map_err(refuse)?;
                self.lay(action, &call).map_err(refuse)?;
                Ok((Op::Ioctl(call.ioctl), call.shape))
            }
            Action::Sweep(sweep) => {
                let within = |wrong: Wrong| Wrong { place: format!("sweep.call.{}", wrong.place), ..wrong };
                let call = self.call(&sweep.call).map_err(within).map_err(refuse)?;
                self.lay(&step.action, &call).map_err(refuse)?;
                let mut sweep = call::sweep(call, sweep).map_err(refuse)?;
                if let Some(most) = self.surroundings.sample.filter(|most| step.is_sampled(*most)) {
                    sweep.vary.iter_mut().for_each(|vary| vary.values = vary.values.sample(most));
                }
                Ok((Op::Sweep(sweep), Shape::Sweep))
            }
            Action::FileCall(call) => plain(Op::FileCall { slot: call.slot.clone(), call: call.call }),
            Action::Read(place) => plain(Op::ReadFile { at: self.place(place) }),
            Action::Write(write) => {
                plain(Op::WriteFile { at: self.place(&write.at), text: write.text.clone() })
            }
            Action::List(place) => plain(Op::List { at: self.place(place) }),
            Action::Stat(place) => plain(Op::Stat { at: self.place(place) }),
            Action::Resolve(place) => plain(Op::Resolve { at: self.place(place) }),
            Action::Taint(_) => {
                let at = self.at(0, Anchor::Root, "proc/sys/kernel/tainted");
                Ok((Op::ReadFile { at }, Shape::Taint))
            }
            Action::DropCapability(drop) => plain(Op::DropCapability { number: drop.name.number() }),
            Action::Become(who) => plain(Op::Become { id: who.id }),
            Action::NewUserNamespace(_) => plain(Op::NewUserNamespace),
            Action::LoadModule(module) => plain(Op::LoadModule { name: module.name.clone() }),
            Action::UnloadModule(module) => plain(Op::UnloadModule { name: module.name.clone() }),
            Action::Unbind(driver) => plain(self.bind(driver, "unbind")),
            Action::Bind(driver) => plain(self.bind(driver, "bind")),
            Action::Remove(on) => plain(self.write_pci(on.device, "remove")),
            Action::Rescan(on) => {
                let at = self.at(on.device, Anchor::Root, "sys/bus/pci/rescan");
                plain(Op::WriteFile { at, text: "1".into() })
            }
            Action::Settle(settle) => plain(Op::Settle(scrubjay_wire::op::Settling {
                device: self.device(settle.device),
                until: settle.until,
            })),
            Action::Pause(pause) => plain(Op::Pause { ms: pause.ms }),
            Action::Probe(_)
            | Action::FirmwareSet(_)
            | Action::FirmwareFail(_)
            | Action::FirmwareFault(_)
            | Action::Hold(_)
            | Action::AwaitHeld(_)
            | Action::Release(_)
            | Action::Unplug(_)
            | Action::Plug(_) => plain(Op::Host),
            Action::Parallel(group) => {
                let names = group.branches.iter().map(|b| b.name.clone()).collect();
                let branches =
                    group.branches.iter().map(|b| self.steps(&b.steps)).collect::<Result<_, _>>()?;
                Ok((Op::Parallel { branches }, Shape::Parallel(names)))
            }
            Action::Signal(point) => plain(Op::Signal { point: point.point.clone() }),
            Action::WaitFor(point) => plain(Op::WaitFor { point: point.point.clone() }),
            other => Err(refuse(Wrong { place: other.key(), why: "cannot be lowered".to_owned() })),
        }
    }

    /// Counts the memory of a call.
    fn lay(&mut self, action: &Action, call: &Call) -> Result<(), Wrong> {
        self.laid += call.ioctl.buffers.iter().map(|buffer| buffer.bytes.len()).sum::<usize>();
        if self.laid <= MOST_LAID {
            return Ok(());
        }
        let why = format!(
            "with this the session's buffers are more than {} MiB; make them shorter",
            MOST_LAID >> 20
        );
        Err(Wrong { place: action.key(), why })
    }

    fn call(&self, action: &Action) -> Result<Call, Wrong> {
        match action {
            Action::Info(info) => Ok(call::info(info)),
            Action::GetSupportedFeatures(get) => Ok(cxl::get_supported(get)),
            Action::GetFeature(get) => {
                let wrong = |why| Wrong { place: "get-feature.feature".to_owned(), why };
                let (uuid, _) = self.feature(&get.slot, &get.feature).map_err(wrong)?;
                Ok(cxl::get_feature(get, uuid))
            }
            Action::SetFeature(set) => {
                let wrong = |why| Wrong { place: "set-feature.feature".to_owned(), why };
                let (uuid, version) = self.feature(&set.slot, &set.feature).map_err(wrong)?;
                Ok(cxl::set_feature(set, uuid, set.version.unwrap_or(version)))
            }
            Action::Rpc(rpc) => Ok(cxl::rpc(rpc)),
            Action::MemdevQuery(query) => Ok(memdev::query(query)),
            Action::MemdevSend(send) => Ok(memdev::send(send)),
            Action::Ioctl(raw) => Ok(call::raw(raw)),
            other => Err(Wrong { place: other.key(), why: "no ioctl".to_owned() }),
        }
    }

    /// A Feature by its name in the profile of the descriptor's device, else in the kernel's list,
    /// else by its UUID; with the version that a Set takes.
    fn feature(&self, slot: &str, name: &str) -> Result<(Uuid, u8), String> {
        let device = self.descriptors.behind(slot).map_or(0, |behind| behind.device);
        let profile = &self.session.devices[device];
        let of_profile = (self.surroundings.feature)(profile, name);
        of_profile.or_else(|| feature(name).map(|uuid| (uuid, 1))).ok_or_else(|| {
            let known: Vec<_> = KnownFeature::ALL.iter().map(|f| f.name()).collect();
            format!(
                "no Feature `{}`: neither in the profile `{profile}`, nor one of {}, nor a UUID",
                name.escape_debug(),
                known.join(", ")
            )
        })
    }

    fn device(&self, device: usize) -> u16 {
        self.surroundings.devices.get(device).copied().unwrap_or(u16::MAX)
    }

    fn at(&self, device: usize, anchor: Anchor, path: &str) -> Where {
        Where { device: self.device(device), anchor, path: path.to_owned() }
    }

    fn place(&self, place: &Place) -> Where {
        self.at(place.device, place.anchor, &place.path)
    }

    fn bind(&self, driver: &Driver, file: &str) -> Op {
        let at = self.at(driver.device, Anchor::Root, &driver.driver.path(file));
        Op::WriteFile { at, text: driver.driver.name_of_device().to_owned() }
    }

    fn write_pci(&self, device: usize, file: &str) -> Op {
        Op::WriteFile { at: self.at(device, Anchor::Pci, file), text: "1".to_owned() }
    }
}

fn host_action(action: &Action) -> Option<HostAction> {
    Some(match action {
        Action::Probe(_) => HostAction::Probe,
        Action::FirmwareSet(set) => HostAction::Set(set.clone()),
        Action::FirmwareFail(fail) => HostAction::Fail(fail.clone()),
        Action::FirmwareFault(fault) => HostAction::Fault(fault.clone()),
        Action::Hold(hold) => HostAction::Hold { device: hold.device, opcode: hold.opcode.0 },
        Action::AwaitHeld(on) => HostAction::AwaitHeld { device: on.device },
        Action::Release(on) => HostAction::Release { device: on.device },
        Action::Unplug(on) => HostAction::Unplug { device: on.device },
        Action::Plug(on) => HostAction::Plug { device: on.device },
        _ => return None,
    })
}
