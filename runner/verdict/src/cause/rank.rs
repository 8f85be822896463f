//! How much a rule says of what happened: a decision of the kernel says more than what was then read or sent.

use crate::rule::id;

/// The kernel was hurt, or lacks what it has to have.
pub const WHOLE: u8 = 0;
/// From here on it is a form of a call or of what the firmware receives.
pub const FORM: u8 = 4;
/// From here on it is what was read, answered or sent, which may come of something else.
pub const VALUE: u8 = 6;
/// From here on it says that something differs, and hardly what.
pub const VAGUE: u8 = 7;

/// The rules by rank, the most telling first.
const RANKS: [&[&str]; 8] = [
    &[
        id::KERNEL_OOPS,
        id::KERNEL_HUNG,
        id::KERNEL_LOCKDEP,
        id::KERNEL_SANITIZER,
        id::KERNEL_WARNING,
        id::REGRESSED,
        id::FIX_MISSING,
        id::FWCTL_ABSENT,
    ],
    &[id::GET_DISTURBS_EDAC],
    &[
        id::SCOPE_LOOSENED,
        id::SCOPE_TIGHTENED,
        id::CAPABILITY_LOOSENED,
        id::CAPABILITY_TIGHTENED,
        id::TAINT_LOST,
        id::TAINT_GAINED,
        id::GET_TAINTS,
        id::GET_WRITES_DEVICE,
        id::SET_BLOCKED,
        id::SET_UNBLOCKED,
        id::SET_SUPERSEDED,
        id::REFUSAL_HIDDEN,
        id::REFUSAL_SHOWN,
        id::RAW_SUPERSEDED,
        id::NODE_MISSING,
        id::NODE_APPEARED,
        id::NODE_MODE_CHANGED,
        id::OPEN_BLOCKED,
        id::OPEN_UNBLOCKED,
        id::DESCRIPTOR_CUT_OFF,
        id::DESCRIPTOR_OUTLIVES_DEVICE,
        id::ATTRIBUTE_BLOCKED,
        id::ATTRIBUTE_UNBLOCKED,
        id::ATTRIBUTE_REMOVED,
        id::ATTRIBUTE_ADDED,
        id::ATTRIBUTE_MODE_CHANGED,
    ],
    &[
        id::GET_BLOCKED,
        id::GET_UNBLOCKED,
        id::INFO_BLOCKED,
        id::INFO_UNBLOCKED,
        id::INFO_CHANGED,
        id::CALL_BLOCKED,
        id::CALL_UNBLOCKED,
        id::FEATURE_ADDED,
        id::FEATURE_REMOVED,
        id::FEATURE_ENTRY_CHANGED,
        id::FEATURE_CHANGEABLE,
        id::FEATURE_NOT_CHANGEABLE,
    ],
    &[
        id::FRAMING_TIGHTENED,
        id::FRAMING_LOOSENED,
        id::SWEEP_BLOCKED,
        id::SWEEP_UNBLOCKED,
        id::OUTPUT_OVERRUN,
        id::OUTPUT_NOT_CLEARED,
        id::INPUT_OVERWRITTEN,
        id::OUT_LEN_CHANGED,
        id::RETVAL_CHANGED,
    ],
    &[
        id::MAILBOX_COMMAND_ADDED,
        id::MAILBOX_COMMAND_REMOVED,
        id::MAILBOX_INPUT_CHANGED,
        id::MAILBOX_SIZE_CHANGED,
        id::MAILBOX_ORDER_CHANGED,
    ],
    &[
        id::GET_CHANGED,
        id::SET_CHANGED,
        id::ATTRIBUTE_CHANGED,
        id::EDAC_INCOHERENT,
        id::MAILBOX_CHANGED,
        id::ANSWER_CHANGED,
        id::ARGUMENT_CHANGED,
        id::RETURN_CHANGED,
    ],
    &[
        id::ERRNO_CHANGED,
        id::SWEEP_CHANGED,
        id::RACE_CHANGED,
        id::MESSAGE_ADDED,
        id::MESSAGE_REMOVED,
        id::LISTING_CHANGED,
        id::STEP_LOST,
        id::STEP_REGAINED,
        id::CHANGE_INCONSISTENT,
        id::UNCLASSIFIED,
        id::KNOWN_DAMAGE,
    ],
];

/// The rank of a rule; one that is not listed says as much as a decision.
pub fn of(rule: &str) -> u8 {
    let rank = RANKS.iter().position(|rules| rules.contains(&rule));
    rank.and_then(|rank| u8::try_from(rank).ok()).unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;

    #[test]
    fn every_rule_has_one_rank() {
        for rule in Rule::all() {
            let ranks = RANKS.iter().flat_map(|rules| rules.iter()).filter(|id| **id == rule.id);
            assert_eq!(ranks.count(), 1, "{}", rule.id);
        }
    }
}
