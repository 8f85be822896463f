//! Rules for what is read and listed in files.

use scrubjay_session::Action;
use scrubjay_wire::{Anchor, Entry, Probe};

use super::{Moment, Scene, coherence};

/// The rule for another number returned.
pub fn ret_rule(action: &Action, accepted: i64) -> &'static str {
    match action {
        Action::Settle(settle) if settle.until == Probe::Node => match accepted {
            0 => "node-appeared",
            _ => "node-missing",
        },
        _ => "return-changed",
    }
}

/// The rule for another text.
pub fn text_rule(scene: &Scene, at: usize) -> &'static str {
    let Moment { step, accepted, seen, .. } = &scene.moments[at];
    match &step.action {
        Action::Read(place) if place.anchor == Anchor::Edac => match () {
            () if scene.only_gets_since_read(at, place) => "get-disturbs-edac",
            () if coherence::is_broken(scene, at) => "edac-incoherent",
            () => "attribute-changed",
        },
        Action::Read(_) => "attribute-changed",
        Action::Resolve(_) => "listing-changed",
        Action::Taint(_) => {
            let flags = |text: &Option<String>| {
                text.as_deref().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0)
            };
            match flags(&seen.text) & !flags(&accepted.text) {
                0 => "taint-lost",
                _ => "taint-gained",
            }
        }
        // A command that the session waits for did not come, or came where none was expected.
        Action::AwaitHeld(_) if seen.text.as_deref() == Some("held") => "mailbox-command-added",
        Action::AwaitHeld(_) => "mailbox-command-removed",
        // Everything after it is about a device that is out of its slot.
        Action::Unplug(_) if seen.text.as_deref() == Some("gone") => "step-regained",
        Action::Unplug(_) => "step-lost",
        _ => "unclassified",
    }
}

/// The rule for other entries of a directory, or another type, mode or owner of a file.
pub fn entries_rule(action: &Action, accepted: &[Entry], seen: &[Entry]) -> &'static str {
    if let Action::Stat(place) = action {
        let is_node = matches!(place.anchor, Anchor::Node | Anchor::MemdevNode);
        return if is_node { "node-mode-changed" } else { "attribute-mode-changed" };
    }
    let lost = missing(accepted, seen);
    let gained = missing(seen, accepted);
    let is_node = |entry: &Entry| entry.kind == 'c';
    if let Some(entry) = lost.first() {
        return if is_node(entry) { "node-missing" } else { "attribute-removed" };
    }
    if let Some(entry) = gained.first() {
        return if is_node(entry) { "node-appeared" } else { "attribute-added" };
    }
    match accepted.iter().find(|entry| !seen.contains(entry)) {
        Some(entry) if is_node(entry) => "node-mode-changed",
        Some(_) => "attribute-mode-changed",
        None => "listing-changed",
    }
}

/// The entries of `some` whose names are more often there than in `others`.
fn missing<'a>(some: &'a [Entry], others: &[Entry]) -> Vec<&'a Entry> {
    let count = |list: &[Entry], name: &str| list.iter().filter(|entry| entry.name == name).count();
    some.iter().filter(|entry| count(some, &entry.name) > count(others, &entry.name)).collect()
}
