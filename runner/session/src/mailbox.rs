//! What the firmware saw: the mailbox commands that a device received.

use schemars::JsonSchema;
use scrubjay_wire::Bytes;
use serde::{Deserialize, Serialize};

/// One command through a memdev's primary mailbox, complete with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxCommand {
    /// The command's opcode (CXL r3.2, 8.2.10).
    pub opcode: u16,
    /// The input payload, as long as the command register said.
    #[schemars(with = "String")]
    pub input: Bytes,
    /// What the status register answered (CXL r3.2, table of command return codes).
    pub return_code: u16,
    /// The output payload.
    #[schemars(with = "String")]
    pub output: Bytes,
}
