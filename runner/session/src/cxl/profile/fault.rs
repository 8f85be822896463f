//! Misbehaviour that a device plays.

use schemars::JsonSchema;
use scrubjay_uapi::cxl::ReturnCode;
use scrubjay_wire::Bytes;
use serde::{Deserialize, Serialize};

use super::text::OpcodeRef;

/// One fault: when, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which commands.
    pub on: Trigger,
    /// What happens to them.
    pub play: Play,
}

/// Which commands a fault meets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trigger {
    /// Commands with this opcode; all where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opcode: Option<OpcodeRef>,
    /// Get or Set Feature of the Feature with this name in the profile; all where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// So many matching commands are spared first.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip: u32,
    /// So many matching commands are met, then no more; all where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What happens to a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Play {
    /// It is not performed and answers with this code and no output.
    ReturnCode(ReturnCode),
    /// It is not performed and answers with this, also where the firmware does not know the command.
    Answer(Answered),
    /// It is performed and answers with this code and no output.
    PerformThenReturnCode(ReturnCode),
    /// Get and Set Feature: where the offset field is not 0 it is not performed and answers with the code of that
    /// number and no output.
    ReturnCodeFromOffset,
    /// It is not performed, and its doorbell never clears; so no later command runs either, until the host
    /// resets the device's state.
    DoorbellStuck,
    /// It answers `background-command-started`; the background status register then shows this.
    Background(Background),
    /// Its output is cut to so many bytes.
    OutputCut(u32),
    /// So many bytes of 0xee follow its output (as far as the payload goes).
    OutputExtended(u32),
    /// These bytes stand in its output instead of its own; none beyond the output's end.
    OutputReplaced(Replaced),
    /// The command register claims an output of so many bytes, whatever there is.
    OutputLengthClaimed(u32),
    /// Get Supported Features: the header says so many entries follow.
    NumEntries(u16),
    /// Get Supported Features: the header says there are so many Features.
    SupportedCount(u16),
    /// Get Supported Features: at most so many entries an answer.
    EntriesPerAnswer(u16),
    /// Get Supported Features: the list has only so many entries, as if it had shrunk.
    ListShrunkTo(u16),
    /// The doorbell clears so many milliseconds later, at most 10,000.
    DelayMs(u32),
}

/// A whole answer in place of the firmware's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answered {
    /// Its code.
    #[serde(default = "success", skip_serializing_if = "is_success")]
    pub return_code: ReturnCode,
    /// Its output, no longer than the mailbox payload.
    #[schemars(with = "String")]
    pub bytes: Bytes,
}

fn success() -> ReturnCode {
    ReturnCode::SUCCESS
}

fn is_success(code: &ReturnCode) -> bool {
    *code == ReturnCode::SUCCESS
}

/// Bytes of an output that are not what the firmware would have said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// The first of them.
    pub at: u32,
    /// What stands there.
    #[schemars(with = "String")]
    pub bytes: Bytes,
}

/// A background operation as the background command status register shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Background {
    /// Per cent complete, 0 to 100.
    pub percent: u8,
    /// The code it ended with.
    pub return_code: ReturnCode,
}
