//! A sweep as the calls that it makes.

use scrubjay_session::action::Capability;
use scrubjay_session::cxl::profile::Profile;
use scrubjay_session::step::Sweep;
use scrubjay_session::sweep::{Moving, Vary};
use scrubjay_session::{Action, Session};

use crate::{Call, Kind, Target};

/// The calls of a sweep, in the order of its rounds. `session` tells which capabilities are gone by then, `profile` is
/// that of its device.
pub fn rounds(session: &Session, sweep: &Sweep, profile: &Profile) -> Vec<Call> {
    let first = ordinary(&sweep.call, rawio(session));
    let mut rounds = vec![first];
    for vary in &sweep.vary {
        let moved = |call: &Call| -> Vec<Call> {
            let values = (0..vary.values.len()).map(|index| vary.values.at(index));
            values.map(|value| with(call.clone(), vary, value, sweep, profile)).collect()
        };
        rounds = rounds.iter().flat_map(moved).collect();
    }
    rounds
}

fn rawio(session: &Session) -> bool {
    let gives_up = |action: &Action| matches!(action, Action::DropCapability(drop) if drop.name == Capability::CapSysRawio);
    !session.steps.iter().any(|step| gives_up(&step.action))
}

/// The call before anything moves.
fn ordinary(action: &Action, rawio: bool) -> Call {
    let (kind, scope, departs) = match action {
        Action::Info(_) => (Kind::Info, 0, false),
        Action::GetSupportedFeatures(call) => (Kind::GetSupportedFeatures, call.scope.0, call.count == 0),
        Action::GetFeature(call) => (Kind::GetFeature, call.scope.0, call.count == 0),
        Action::SetFeature(call) => (Kind::SetFeature, call.scope.0, false),
        Action::Rpc(call) => (Kind::OtherRpc, call.scope.0, true),
        _ => (Kind::Ioctl, 0, true),
    };
    let request = match action {
        Action::Ioctl(call) => call.request.0,
        _ => 0,
    };
    let size = if kind == Kind::Info { 24 } else { 32 };
    Call {
        kind,
        request,
        size,
        tail_is_zero: true,
        info_flags: 0,
        scope,
        rawio,
        target: None,
        irregular: departs,
    }
}

/// A call with one value moved.
fn with(mut call: Call, vary: &Vary, value: u64, sweep: &Sweep, profile: &Profile) -> Call {
    for place in &vary.places {
        let number = value as u32;
        match place {
            Moving::Request => call.request = number,
            Moving::Size => {
                (call.size, call.tail_is_zero) = (number, tail(&sweep.call).iter().all(|byte| *byte == 0))
            }
            Moving::InfoFlags => call.info_flags = number,
            Moving::DeviceDataLen => {}
            Moving::Scope => call.scope = number,
            Moving::SetUuid => call.target = target(profile, number),
            // The device's to judge, and its word is no errno.
            Moving::GetSelection | Moving::GetOffset | Moving::GetUuid | Moving::SetOffset => {}
            Moving::GetCount => call.irregular |= number == 0,
            Moving::SupportedStart => call.irregular |= value >= profile.features.len() as u64,
            _ => call.irregular = true,
        }
    }
    call
}

fn tail(action: &Action) -> &[u8] {
    match action {
        Action::Info(call) => &call.call.tail,
        Action::GetSupportedFeatures(call) => &call.call.tail,
        Action::GetFeature(call) => &call.call.tail,
        Action::SetFeature(call) => &call.call.tail,
        Action::Rpc(call) => &call.call.tail,
        _ => &[],
    }
}

/// The Feature whose UUID begins with these four bytes.
fn target(profile: &Profile, first: u32) -> Option<Target> {
    let begins = |uuid: &uuid::Uuid| uuid.as_bytes()[..4] == first.to_le_bytes();
    let feature = profile.features.iter().find(|feature| feature.uuid.as_ref().is_some_and(begins))?;
    Some(Target { effects: feature.effects.0, changeable: feature.flags.0 & 1 != 0 })
}
