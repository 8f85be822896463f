//! What a step says of an action that only a CXL device has: Features, its drivers, its firmware.
//!
//! Owns forms only, and where the drivers' files are.

use schemars::JsonSchema;
use scrubjay_uapi::cxl::ReturnCode;
use scrubjay_wire::{Bytes, Entry32, Placement};
use serde::{Deserialize, Serialize};

use crate::action::{self, Call};
use crate::cxl::names::{MemdevCommandName, OpcodeName, SelectionName};
use crate::cxl::profile::{OpcodeRef, Play, Trigger};
use crate::names::{ScopeName, Word};

fn current() -> SelectionName {
    SelectionName(0)
}

/// See [`Action::GetSupportedFeatures`](crate::Action::GetSupportedFeatures).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSupportedFeatures {
    /// The descriptor.
    #[serde(default = "action::default_slot")]
    pub slot: String,
    /// The scope.
    #[serde(default = "action::configuration")]
    pub scope: ScopeName,
    /// Bytes of entries that are asked for.
    pub count: u32,
    /// The first entry.
    #[serde(default)]
    pub start: u16,
    /// How it departs from the ordinary.
    #[serde(default, skip_serializing_if = "Call::is_ordinary")]
    pub call: Call,
}

/// See [`Action::GetFeature`](crate::Action::GetFeature).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetFeature {
    /// The descriptor.
    #[serde(default = "action::default_slot")]
    pub slot: String,
    /// The scope.
    #[serde(default = "action::configuration")]
    pub scope: ScopeName,
    /// The Feature by its name in the device's profile or the kernel's list, or its UUID.
    pub feature: String,
    /// Which of its values.
    #[serde(default = "current")]
    pub selection: SelectionName,
    /// The first byte.
    #[serde(default)]
    pub offset: u16,
    /// How many.
    pub count: u16,
    /// How it departs from the ordinary.
    #[serde(default, skip_serializing_if = "Call::is_ordinary")]
    pub call: Call,
}

/// See [`Action::SetFeature`](crate::Action::SetFeature).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFeature {
    /// The descriptor.
    #[serde(default = "action::default_slot")]
    pub slot: String,
    /// The scope.
    pub scope: ScopeName,
    /// The Feature by its name in the device's profile or the kernel's list, or its UUID.
    pub feature: String,
    /// The first byte.
    #[serde(default)]
    pub offset: u16,
    /// The version; that of the profile's Feature where left out, 1 where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// The flags.
    #[serde(default)]
    pub flags: u32,
    /// The value.
    pub data: Bytes,
    /// How it departs from the ordinary.
    #[serde(default, skip_serializing_if = "Call::is_ordinary")]
    pub call: Call,
}

/// See [`Action::Rpc`](crate::Action::Rpc).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rpc {
    /// The descriptor.
    #[serde(default = "action::default_slot")]
    pub slot: String,
    /// The scope.
    #[serde(default = "action::configuration")]
    pub scope: ScopeName,
    /// The opcode.
    pub opcode: OpcodeName,
    /// What follows the header.
    #[serde(default)]
    pub payload: Bytes,
    /// How it departs from the ordinary.
    #[serde(default, skip_serializing_if = "Call::is_ordinary")]
    pub call: Call,
}

/// See [`Action::MemdevQuery`](crate::Action::MemdevQuery).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemdevQuery {
    /// The descriptor.
    pub slot: String,
    /// Rows that are asked for; 0 asks how many there are.
    pub count: u32,
    /// Rows that there is room for, where not as many as are asked for.
    pub room: Option<u32>,
    /// The reserved field.
    pub reserved: u32,
    /// Where the structure lies.
    pub arg: Placement,
    /// How the kernel is entered.
    pub entry: Entry32,
}

impl Default for MemdevQuery {
    fn default() -> Self {
        MemdevQuery {
            slot: action::default_slot(),
            count: 0,
            room: None,
            reserved: 0,
            arg: Placement::Normal,
            entry: Entry32::Native,
        }
    }
}

/// See [`Action::MemdevSend`](crate::Action::MemdevSend).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemdevSend {
    /// The descriptor.
    #[serde(default = "action::default_slot")]
    pub slot: String,
    /// The command.
    pub command: MemdevCommandName,
    /// The mailbox command, of a raw one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opcode: Option<OpcodeRef>,
    /// The input payload.
    #[serde(default)]
    pub payload: Bytes,
    /// Bytes of the output buffer; what the kernel fixes for the command where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<u32>,
    /// How it departs from the ordinary.
    #[serde(default, skip_serializing_if = "MemdevCall::is_ordinary")]
    pub call: MemdevCall,
}

/// How a command of the memdev departs from the ordinary. Every field left out takes the value that a
/// correct program would use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemdevCall {
    /// The `flags` field.
    pub flags: u32,
    /// `raw.rsvd` of a raw command (16 bits), `rsvd` of any other.
    pub reserved: u32,
    /// The `retval` field beforehand.
    pub retval: u32,
    /// `in.size`; the input buffer keeps its size.
    pub in_size: Option<u32>,
    /// `in.rsvd`.
    pub in_reserved: u32,
    /// `out.size`; the output buffer keeps its size.
    pub out_size: Option<u32>,
    /// `out.rsvd`.
    pub out_reserved: u32,
    /// Bytes of the structure that there are, where fewer than all.
    pub cut: Option<u32>,
    /// Where the structure lies.
    pub arg: Placement,
    /// Where the input buffer lies.
    pub input: Placement,
    /// Where the output buffer lies.
    pub output: Placement,
    /// How the kernel is entered.
    pub entry: Entry32,
    /// The command word, where it is not the right one.
    pub request: Option<Word>,
}

impl MemdevCall {
    fn is_ordinary(&self) -> bool {
        *self == MemdevCall::default()
    }
}

/// A driver of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriverName {
    /// The PCI driver.
    CxlPci,
    /// The memdev driver.
    CxlMem,
}

/// See [`Action::Unbind`](crate::Action::Unbind) and [`Action::Bind`](crate::Action::Bind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// Which driver.
    pub driver: DriverName,
}

/// See [`Action::FirmwareSet`](crate::Action::FirmwareSet).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirmwareSet {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// The Feature's name in the profile.
    pub feature: String,
    /// Which of its values.
    #[serde(default = "current")]
    pub selection: SelectionName,
    /// The first byte.
    #[serde(default)]
    pub offset: u16,
    /// The new bytes.
    pub bytes: Bytes,
}

/// See [`Action::FirmwareFail`](crate::Action::FirmwareFail).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirmwareFail {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// Commands with this opcode.
    pub opcode: OpcodeRef,
    /// The return code, by name or number.
    #[serde(with = "crate::cxl::names::code")]
    #[schemars(with = "crate::cxl::names::code::Form")]
    pub code: ReturnCode,
    /// How many of them.
    #[serde(default = "action::once")]
    pub times: u32,
}

/// See [`Action::FirmwareFault`](crate::Action::FirmwareFault).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirmwareFault {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// Which commands it meets.
    pub on: Trigger,
    /// What happens to them.
    pub play: Play,
}

/// See [`Action::Hold`](crate::Action::Hold).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// The next command with this opcode.
    pub opcode: OpcodeRef,
}

impl DriverName {
    /// A file of the driver's directory, from the root.
    pub(crate) fn path(self, file: &str) -> String {
        match self {
            DriverName::CxlPci => format!("sys/bus/pci/drivers/cxl_pci/{file}"),
            DriverName::CxlMem => format!("sys/bus/cxl/drivers/cxl_mem/{file}"),
        }
    }

    /// What its `bind` and `unbind` take, as the agent fills it in.
    pub(crate) fn name_of_device(self) -> &'static str {
        match self {
            DriverName::CxlPci => "{bdf}",
            DriverName::CxlMem => "{memdev}",
        }
    }
}
