//! That a command of the memdev's node can be meant.

use scrubjay_uapi::cxl::MemdevCommand;
use scrubjay_uapi::cxl::memdev::LONGEST_PAYLOAD;

use super::{Checked, complain, fine};
use crate::cxl::action::MemdevSend;
use crate::step::Action;

/// Whether an action is an ioctl of the memdev's node. Nothing of it moves in a sweep.
pub(super) fn is_of_memdev(action: &Action) -> bool {
    matches!(action, Action::MemdevQuery(_) | Action::MemdevSend(_))
}

pub(super) fn check(at: &str, send: &MemdevSend) -> Checked {
    let command = MemdevCommand::from_number(send.command.0);
    let raw = command == Some(MemdevCommand::Raw);
    match send.opcode {
        None if raw => {
            return complain(
                format!("{at}.opcode"),
                "a raw command wants the `opcode` of the mailbox command",
            );
        }
        Some(_) if !raw => {
            let why = format!("only `raw` has an opcode, `{}` has its own; leave it out", send.command);
            return complain(format!("{at}.opcode"), why);
        }
        _ => {}
    }
    if send.payload.len() > LONGEST_PAYLOAD {
        let why = format!(
            "{} bytes are more than the {LONGEST_PAYLOAD} of the longest mailbox; `call.in_size` says more than \
             there is",
            send.payload.len()
        );
        return complain(format!("{at}.payload"), why);
    }
    if send.out.is_none() && command.is_none_or(|command| command.fixed_out().is_none()) {
        let why =
            format!("how much `{}` gives is not fixed; say for how many bytes there is room", send.command);
        return complain(format!("{at}.out"), why);
    }
    let wide = raw && send.call.reserved > u32::from(u16::MAX);
    fine(
        format!("{at}.call.reserved"),
        wide.then(|| {
            format!("a raw command has 16 reserved bits, which {} does not fit into", send.call.reserved)
        }),
    )
}
