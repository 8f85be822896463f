//! Rules for what the firmware received.

use scrubjay_session::{Action, MailboxCommand};
use scrubjay_uapi::cxl::Opcode;

use super::asked;
use crate::rule::id;

/// The rule for other mailbox traffic.
pub fn rule(action: &Action, accepted: &[MailboxCommand], seen: &[MailboxCommand]) -> &'static str {
    let (was, is) = (asked_of(accepted), asked_of(seen));
    let (gained, lost) = (beyond(&is, &was), beyond(&was, &is));
    if asked::is_get(action) && gained.iter().any(|(_, opcode)| !only_reads(*opcode)) {
        return id::GET_WRITES_DEVICE;
    }
    match (gained.is_empty(), lost.is_empty()) {
        (false, true) => return id::MAILBOX_COMMAND_ADDED,
        (true, false) => return id::MAILBOX_COMMAND_REMOVED,
        (false, false) => return id::MAILBOX_CHANGED,
        (true, true) => {}
    }
    let inputs = |commands: &[MailboxCommand]| {
        let mut inputs: Vec<_> = commands.iter().map(|c| (c.device, c.opcode, c.input.to_vec())).collect();
        inputs.sort();
        inputs
    };
    let pairs = || accepted.iter().zip(seen);
    match () {
        () if was != is => id::MAILBOX_ORDER_CHANGED,
        () if only_answers_differ(accepted, seen) => id::MAILBOX_CHANGED,
        () if inputs(accepted) == inputs(seen) => id::MAILBOX_ORDER_CHANGED,
        () if pairs().any(|(a, s)| a.input.len() != s.input.len()) => id::MAILBOX_SIZE_CHANGED,
        () => id::MAILBOX_INPUT_CHANGED,
    }
}

/// Whether the firmware was asked the same and said something else.
pub fn only_answers_differ(accepted: &[MailboxCommand], seen: &[MailboxCommand]) -> bool {
    let same = |(a, s): (&MailboxCommand, &MailboxCommand)| {
        (a.device, a.opcode, &a.input) == (s.device, s.opcode, &s.input)
    };
    accepted.len() == seen.len() && accepted.iter().zip(seen).all(same)
}

/// What was asked of whom: the device and the opcode of each command.
fn asked_of(commands: &[MailboxCommand]) -> Vec<(u16, u16)> {
    commands.iter().map(|command| (command.device, command.opcode)).collect()
}

/// Those of `many` that `few` has not, each as often as it is missing.
fn beyond(many: &[(u16, u16)], few: &[(u16, u16)]) -> Vec<(u16, u16)> {
    let mut few = few.to_vec();
    let mut missing = Vec::new();
    for asked in many {
        match few.iter().position(|other| other == asked) {
            Some(at) => {
                few.swap_remove(at);
            }
            None => missing.push(*asked),
        }
    }
    missing
}

/// Whether a command is known to change nothing.
fn only_reads(opcode: u16) -> bool {
    Opcode::from_number(opcode).is_some_and(Opcode::only_reads)
}
