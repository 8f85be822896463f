//! Rules for a step that is refused, let through, or refused for another reason.

use scrubjay_session::Action;
use scrubjay_session::action::Place;
use scrubjay_session::observation::OK;
use scrubjay_wire::Anchor;

use super::asked::{self, Asked, Asking};
use super::{Moment, Scene};
use crate::rule::id;

/// What the agent could not do begins with this.
const AGENT: &str = "agent: ";

/// The rule for a step with another errno.
pub fn rule(scene: &Scene, at: usize) -> &'static str {
    let Moment { step, accepted, seen, .. } = &scene.moments[at];
    let (was, is) = (accepted.errno.as_str(), seen.errno.as_str());
    match &step.action {
        // What the firmware and the machine of the test do is no doing of the kernel's.
        Action::Probe(_)
        | Action::FirmwareSet(_)
        | Action::FirmwareFail(_)
        | Action::FirmwareFault(_)
        | Action::Hold(_)
        | Action::AwaitHeld(_)
        | Action::Release(_)
        | Action::Unplug(_)
        | Action::Plug(_) => id::UNCLASSIFIED,
        _ => match (was.starts_with(AGENT), is.starts_with(AGENT)) {
            // What a step needs (a descriptor) is not there.
            (false, true) => id::STEP_LOST,
            (true, false) => id::STEP_REGAINED,
            (true, true) => id::UNCLASSIFIED,
            (false, false) => of_the_kernel(scene, at, was, is),
        },
    }
}

fn of_the_kernel(scene: &Scene, at: usize, was: &str, is: &str) -> &'static str {
    let action = &scene.moments[at].step.action;
    match action {
        Action::Open(_) | Action::Reopen(_) => open_rule(was, is),
        Action::Read(place) | Action::List(place) | Action::Stat(place) | Action::Resolve(place) => {
            file_rule(scene, at, place, was, is)
        }
        Action::Write(write) => file_rule(scene, at, &write.at, was, is),
        Action::Unbind(_) | Action::Bind(_) | Action::Remove(_) | Action::Rescan(_) | Action::Taint(_) => {
            attribute_rule(was, is)
        }
        _ => match asked::call(action) {
            Some(call) => call_rule(scene, at, &call, was, is),
            None => turned(was, is, id::CALL_BLOCKED, id::CALL_UNBLOCKED),
        },
    }
}

/// One rule for what worked, another for what works now.
fn turned(was: &str, is: &str, blocked: &'static str, unblocked: &'static str) -> &'static str {
    match (was == OK, is == OK) {
        (true, _) => blocked,
        (false, true) => unblocked,
        (false, false) => id::ERRNO_CHANGED,
    }
}

fn open_rule(was: &str, is: &str) -> &'static str {
    match (was, is) {
        (_, "ENOENT") => id::NODE_MISSING,
        ("ENOENT", _) => id::NODE_APPEARED,
        _ => turned(was, is, id::OPEN_BLOCKED, id::OPEN_UNBLOCKED),
    }
}

fn file_rule(scene: &Scene, at: usize, place: &Place, was: &str, is: &str) -> &'static str {
    let is_node = matches!(place.anchor, Anchor::Node | Anchor::MemdevNode | Anchor::Fwctl);
    match (was, is) {
        (_, "ENOENT") if is_node && place.path.is_empty() => id::NODE_MISSING,
        ("ENOENT", _) if is_node && place.path.is_empty() => id::NODE_APPEARED,
        _ => capability_rule(scene, at, was, is).unwrap_or_else(|| attribute_rule(was, is)),
    }
}

fn attribute_rule(was: &str, is: &str) -> &'static str {
    match (was, is) {
        (_, "ENOENT") => id::ATTRIBUTE_REMOVED,
        ("ENOENT", _) => id::ATTRIBUTE_ADDED,
        _ => turned(was, is, id::ATTRIBUTE_BLOCKED, id::ATTRIBUTE_UNBLOCKED),
    }
}

/// Where rights were given up before, whether they are asked for.
fn capability_rule(scene: &Scene, at: usize, was: &str, is: &str) -> Option<&'static str> {
    let denied = |errno| matches!(errno, "EPERM" | "EACCES");
    match (was, is) {
        _ if !scene.gave_up_rights(at) => None,
        (OK, is) if denied(is) => Some(id::CAPABILITY_TIGHTENED),
        (was, OK) if denied(was) => Some(id::CAPABILITY_LOOSENED),
        _ => None,
    }
}

fn call_rule(scene: &Scene, at: usize, call: &Asking, was: &str, is: &str) -> &'static str {
    match (was, is) {
        (OK, "ENODEV") => return id::DESCRIPTOR_CUT_OFF,
        ("ENODEV", OK) if scene.lost_its_device(at, call.slot) => return id::DESCRIPTOR_OUTLIVES_DEVICE,
        _ if was != OK && is != OK => return id::ERRNO_CHANGED,
        _ => {}
    }
    if (was, is) == (OK, "EPERM") && scene.has_another_way(at) {
        return id::RAW_SUPERSEDED;
    }
    if let Some(rule) = capability_rule(scene, at, was, is) {
        return rule;
    }
    // A scope that is not there is wrong in nothing but the scope.
    if matches!(call.scope, Some(Err(_))) || works_at_a_wider_scope(scene, at) {
        return turned(was, is, id::SCOPE_TIGHTENED, id::SCOPE_LOOSENED);
    }
    match call.asked {
        _ if call.departs => turned(was, is, id::FRAMING_TIGHTENED, id::FRAMING_LOOSENED),
        Asked::Info => turned(was, is, id::INFO_BLOCKED, id::INFO_UNBLOCKED),
        Asked::Supported | Asked::Get => turned(was, is, id::GET_BLOCKED, id::GET_UNBLOCKED),
        Asked::Set if is != OK && superseded(scene, at, call) => id::SET_SUPERSEDED,
        Asked::Set => turned(was, is, id::SET_BLOCKED, id::SET_UNBLOCKED),
        Asked::Rpc | Asked::Command | Asked::Other => turned(was, is, id::CALL_BLOCKED, id::CALL_UNBLOCKED),
    }
}

/// Whether the same call, with the same rights, works as before at a wider scope: then it is about
/// the scope and not about what is asked.
fn works_at_a_wider_scope(scene: &Scene, at: usize) -> bool {
    let action = &scene.moments[at].step.action;
    let rights = scene.gave_up_rights(at);
    (0..scene.moments.len()).any(|other| {
        asked::is_wider(action, &scene.moments[other].step.action)
            && scene.gave_up_rights(other) == rights
            && scene.works_as_before(other)
    })
}

/// Whether EDAC offers what a refused Set asked for.
fn superseded(scene: &Scene, at: usize, call: &Asking) -> bool {
    let feature = asked::known_feature(&scene.moments[at].step.action);
    let device = scene.device(at, call.slot).unwrap_or(0);
    feature.is_some_and(|feature| scene.edac_shows(feature, device))
}
