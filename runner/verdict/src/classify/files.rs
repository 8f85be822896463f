//! Rules for what is read and listed in files.

use scrubjay_session::Action;
use scrubjay_wire::{Anchor, Entry, Probe};

use super::{Moment, Scene, coherence};
use crate::rule::id;

/// The rule for another number returned.
pub fn ret_rule(action: &Action, accepted: i64) -> &'static str {
    match action {
        Action::Settle(settle) if settle.until == Probe::Node => match accepted {
            0 => id::NODE_APPEARED,
            _ => id::NODE_MISSING,
        },
        _ => id::RETURN_CHANGED,
    }
}

/// The rule for another text.
pub fn text_rule(scene: &Scene, at: usize) -> &'static str {
    let Moment { step, accepted, seen, .. } = &scene.moments[at];
    match &step.action {
        Action::Read(place) if place.anchor == Anchor::Edac => match () {
            () if scene.only_gets_since_read(at, place) => id::GET_DISTURBS_EDAC,
            () if coherence::is_broken(scene, at) => id::EDAC_INCOHERENT,
            () => id::ATTRIBUTE_CHANGED,
        },
        Action::Read(_) => id::ATTRIBUTE_CHANGED,
        Action::Resolve(_) => id::LISTING_CHANGED,
        Action::Taint(_) => {
            let flags = |text: &Option<String>| {
                text.as_deref().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0)
            };
            match flags(&seen.text) & !flags(&accepted.text) {
                0 => id::TAINT_LOST,
                _ => id::TAINT_GAINED,
            }
        }
        // A command that the session waits for did not come, or came where none was expected.
        Action::AwaitHeld(_) if seen.text.as_deref() == Some("held") => id::MAILBOX_COMMAND_ADDED,
        Action::AwaitHeld(_) => id::MAILBOX_COMMAND_REMOVED,
        // Everything after it is about a device that is out of its slot.
        Action::Unplug(_) if seen.text.as_deref() == Some("gone") => id::STEP_REGAINED,
        Action::Unplug(_) => id::STEP_LOST,
        _ => id::UNCLASSIFIED,
    }
}

/// The rule for other entries of a directory, or another type, mode or owner of a file.
pub fn entries_rule(action: &Action, accepted: &[Entry], seen: &[Entry]) -> &'static str {
    if let Action::Stat(place) = action {
        let is_node = matches!(place.anchor, Anchor::Node | Anchor::MemdevNode);
        return if is_node { id::NODE_MODE_CHANGED } else { id::ATTRIBUTE_MODE_CHANGED };
    }
    let lost = missing(accepted, seen);
    let gained = missing(seen, accepted);
    let is_node = |entry: &Entry| entry.kind == 'c';
    if let Some(entry) = lost.first() {
        return if is_node(entry) { id::NODE_MISSING } else { id::ATTRIBUTE_REMOVED };
    }
    if let Some(entry) = gained.first() {
        return if is_node(entry) { id::NODE_APPEARED } else { id::ATTRIBUTE_ADDED };
    }
    match accepted.iter().find(|entry| !seen.contains(entry)) {
        Some(entry) if is_node(entry) => id::NODE_MODE_CHANGED,
        Some(_) => id::ATTRIBUTE_MODE_CHANGED,
        None => id::LISTING_CHANGED,
    }
}

/// The entries of `some` whose names are more often there than in `others`.
fn missing<'a>(some: &'a [Entry], others: &[Entry]) -> Vec<&'a Entry> {
    let count = |list: &[Entry], name: &str| list.iter().filter(|entry| entry.name == name).count();
    some.iter().filter(|entry| count(some, &entry.name) > count(others, &entry.name)).collect()
}
