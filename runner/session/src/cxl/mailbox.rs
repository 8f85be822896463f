//! What the firmware saw: the mailbox commands that a device received.

use schemars::JsonSchema;
use scrubjay_uapi::cxl::{Opcode, ReturnCode};
use scrubjay_wire::Bytes;
use serde::{Deserialize, Serialize};

/// One command through a memdev's primary mailbox, complete with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxCommand {
    /// Which of the session's devices received it, counted from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub device: u16,
    /// The command's opcode (CXL r3.2, 8.2.10).
    pub opcode: u16,
    /// The input payload, as long as the command register said.
    pub input: Bytes,
    /// What the status register answered (CXL r3.2, table of command return codes).
    pub return_code: u16,
    /// The output payload.
    pub output: Bytes,
}

fn is_first(device: &u16) -> bool {
    *device == 0
}

impl std::fmt::Display for MailboxCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.device > 0 {
            write!(f, "device {}: ", self.device)?;
        }
        match Opcode::from_number(self.opcode) {
            Some(opcode) => write!(f, "{}", opcode.name())?,
            None => write!(f, "0x{:04x}", self.opcode)?,
        }
        write!(f, " [{}] -> {} [{}]", self.input, ReturnCode(self.return_code), self.output)
    }
}
