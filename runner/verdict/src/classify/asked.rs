//! What a step asks of the kernel, in whichever form the session says it.

use std::collections::BTreeSet;

use scrubjay_session::action::Call;
use scrubjay_session::cxl::action::MemdevCall;
use scrubjay_session::cxl::names::{OpcodeName, feature};
use scrubjay_session::cxl::profile::{Profile, Profiles};
use scrubjay_session::names::ScopeName;
use scrubjay_session::{Action, Descriptors, Session, Step};
use scrubjay_uapi::Scope;
use scrubjay_uapi::cxl::feature::WireUuid;
use scrubjay_uapi::cxl::{KnownFeature, Opcode};
use scrubjay_uapi::fwctl::{FWCTL_INFO, FWCTL_RPC};
use uuid::Uuid;
use zerocopy::FromBytes;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// FWCTL_INFO.
    Info,
    /// Get Supported Features.
    Supported,
    /// Get Feature.
    Get,
    /// Set Feature.
    Set,
    /// Another RPC.
    Rpc,
    /// A command of the memdev's own node.
    Command,
    /// Another call on a descriptor.
    Other,
}

/// A call on a descriptor.
pub struct Asking<'a> {
    /// What is asked.
    pub asked: Asked,
    /// The descriptor.
    pub slot: &'a str,
    /// At which scope; `Err` is one that is not there.
    pub scope: Option<Result<Scope, u32>>,
    /// Whether it is not what a careful program would lay out.
    pub departs: bool,
}

/// The call that an action is; `None` for one that is not on a descriptor, and for a sweep.
pub fn call(action: &Action) -> Option<Asking<'_>> {
    let other = |slot| Asking { asked: Asked::Other, slot, scope: None, departs: false };
    Some(match action {
        Action::Info(info) => {
            Asking { asked: Asked::Info, slot: &info.slot, scope: None, departs: departs(&info.call) }
        }
        Action::GetSupportedFeatures(get) => {
            rpc(Opcode::GetSupportedFeatures.into(), &get.slot, get.scope, &get.call)
        }
        Action::GetFeature(get) => rpc(Opcode::GetFeature.into(), &get.slot, get.scope, &get.call),
        Action::SetFeature(set) => rpc(Opcode::SetFeature.into(), &set.slot, set.scope, &set.call),
        Action::Rpc(raw) => rpc(raw.opcode, &raw.slot, raw.scope, &raw.call),
        Action::MemdevSend(send) => Asking {
            asked: Asked::Command,
            departs: send.call != MemdevCall { entry: send.call.entry, ..MemdevCall::default() },
            ..other(&send.slot)
        },
        Action::MemdevQuery(query) => other(&query.slot),
        Action::Ioctl(raw) => match raw.request.0 {
            FWCTL_INFO => Asking { asked: Asked::Info, departs: true, ..other(&raw.slot) },
            FWCTL_RPC => Asking { asked: Asked::Rpc, departs: true, ..other(&raw.slot) },
            // Another command, not one of these in another shape.
            _ => other(&raw.slot),
        },
        Action::FileCall(call) => other(&call.slot),
        Action::Close(slot) => other(&slot.slot),
        Action::Dup(dup) => other(&dup.from),
        _ => return None,
    })
}

/// What an action does, as the session's file names it (of a parallel group, all that its branches do), and to what: the
/// scope of an RPC, the path of a file.
pub fn on(action: &Action) -> (String, String) {
    let target = match action {
        Action::Sweep(sweep) => return on(&sweep.call),
        Action::Read(place) | Action::List(place) | Action::Stat(place) | Action::Resolve(place) => {
            place.path.clone()
        }
        Action::Write(write) => write.at.path.clone(),
        action => match call(action).and_then(|call| call.scope) {
            Some(Ok(scope)) => scope.name().to_owned(),
            Some(Err(number)) => number.to_string(),
            None => String::new(),
        },
    };
    let kinds: BTreeSet<String> = action.kinds().into_iter().collect();
    (kinds.into_iter().collect::<Vec<_>>().join(", "), target)
}

fn rpc<'a>(opcode: OpcodeName, slot: &'a str, scope: ScopeName, call: &Call) -> Asking<'a> {
    Asking {
        asked: by_opcode(call.opcode.unwrap_or(opcode)),
        slot,
        scope: Some(Scope::from_number(scope.0).ok_or(scope.0)),
        departs: departs(call),
    }
}

/// Whether a call is laid out otherwise than a careful program would; the way into the kernel is
/// no part of that.
fn departs(call: &Call) -> bool {
    *call != Call { entry: call.entry, ..Call::default() }
}

/// What a raw command of the memdev's node asks for, where fwctl carries that too.
pub fn raw(action: &Action) -> Option<(Asked, &str)> {
    let Action::MemdevSend(send) = action else { return None };
    let asked = by_opcode(OpcodeName(u32::from(send.opcode?.0)));
    matches!(asked, Asked::Supported | Asked::Get | Asked::Set).then_some((asked, send.slot.as_str()))
}

/// The kernel looks at the lower half of the opcode only.
fn by_opcode(opcode: OpcodeName) -> Asked {
    match Opcode::from_number(opcode.0 as u16) {
        Some(Opcode::GetSupportedFeatures) => Asked::Supported,
        Some(Opcode::GetFeature) => Asked::Get,
        Some(Opcode::SetFeature) => Asked::Set,
        _ => Asked::Rpc,
    }
}

/// Whether an action only reads the firmware.
pub fn is_get(action: &Action) -> bool {
    call(action).is_some_and(|call| matches!(call.asked, Asked::Supported | Asked::Get))
}

/// Whether two actions are one call at two scopes, and the scope of `other` is the wider one.
pub fn is_wider(action: &Action, other: &Action) -> bool {
    let scope = |action| call(action).and_then(|call| call.scope);
    let (Some(Ok(narrow)), Some(Ok(wide))) = (scope(action), scope(other)) else { return false };
    let mut narrowed = other.clone();
    match &mut narrowed {
        Action::GetSupportedFeatures(get) => get.scope = narrow.into(),
        Action::GetFeature(get) => get.scope = narrow.into(),
        Action::SetFeature(set) => set.scope = narrow.into(),
        Action::Rpc(rpc) => rpc.scope = narrow.into(),
        _ => return false,
    }
    narrow < wide && narrowed == *action
}

/// The Feature of the kernel's own that a Get, a Set or a command as bytes names.
pub fn known_feature(action: &Action) -> Option<KnownFeature> {
    named(action, feature).and_then(KnownFeature::from_uuid)
}

/// The Feature that a Get, a Set or a command as bytes names, on a device of this profile.
pub fn names(action: &Action, profile: &Profile) -> Option<Uuid> {
    named(action, |name| profile.feature(name).map(|found| found.uuid()).or_else(|| feature(name)))
}

/// The Feature that an action names; `by_name` knows what a name means.
fn named(action: &Action, by_name: impl Fn(&str) -> Option<Uuid>) -> Option<Uuid> {
    let is_of_one = |asked| matches!(asked, Asked::Get | Asked::Set);
    let payload = match action {
        Action::GetFeature(get) => return by_name(&get.feature),
        Action::SetFeature(set) => return by_name(&set.feature),
        Action::Rpc(rpc) if is_of_one(call(action)?.asked) => &rpc.payload,
        Action::MemdevSend(send) if is_of_one(raw(action)?.0) => &send.payload,
        _ => return None,
    };
    WireUuid::read_from_prefix(payload).ok().map(|(uuid, _)| uuid.into())
}

/// The Feature that a step of a session names.
pub fn feature_of(session: &Session, step: &Step, profiles: &Profiles) -> Option<Uuid> {
    let mut descriptors = Descriptors::default();
    let steps = session.every_step().into_iter().enumerate();
    for (number, other) in steps.take_while(|(_, other)| other.id != step.id) {
        descriptors.take(number, &other.action);
    }
    let action = match &step.action {
        Action::Sweep(sweep) => &*sweep.call,
        action => action,
    };
    let device = descriptors.behind(call(action)?.slot)?.device;
    names(action, profiles.get(session.devices.get(device)?).ok()?)
}
