//! What a step says of its action: what any program does that holds a fwctl device, and what
//! happens to the device's machine meanwhile.
//!
//! Owns forms only. What is the CXL family's own is in [`crate::cxl::action`].

use schemars::JsonSchema;
use scrubjay_wire::{Anchor, Bytes, Entry32, FileCall, Placement, Probe};
use serde::{Deserialize, Serialize};

use crate::cxl::names::OpcodeName;
use crate::names::{ScopeName, Word};

pub(crate) fn default_slot() -> String {
    "fd".to_owned()
}

/// An action with nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Which node is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// `/dev/fwctl/fwctlN`.
    #[default]
    Fwctl,
    /// `/dev/cxl/memN`.
    Memdev,
}

/// How a node is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// `O_RDWR`.
    #[default]
    ReadWrite,
    /// `O_RDONLY`.
    ReadOnly,
    /// `O_WRONLY`.
    WriteOnly,
}

/// See [`Action::Open`](crate::Action::Open).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Open {
    /// The descriptor's name.
    pub slot: String,
    /// Index into the session's devices.
    pub device: usize,
    /// Which node of it.
    pub node: Node,
    /// How.
    pub access: Access,
    /// How many times. More than once makes the descriptors `SLOT-0`, `SLOT-1`, …
    #[serde(skip_serializing_if = "is_once")]
    pub count: u32,
}

impl Default for Open {
    fn default() -> Self {
        Open {
            slot: default_slot(),
            device: 0,
            node: Node::default(),
            access: Access::default(),
            count: once(),
        }
    }
}

impl Open {
    /// The descriptors that it makes.
    pub fn slots(&self) -> Vec<String> {
        match self.count {
            1 => vec![self.slot.clone()],
            count => (0..count).map(|i| format!("{}-{i}", self.slot)).collect(),
        }
    }
}

/// A descriptor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its name.
    #[serde(default = "default_slot")]
    pub slot: String,
}

/// See [`Action::Dup`](crate::Action::Dup) and [`Action::Reopen`](crate::Action::Reopen).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dup {
    /// The descriptor that is there.
    pub from: String,
    /// The one that is made.
    pub to: String,
}

/// How an ioctl departs from the ordinary. Every field left out takes the value that a correct
/// program would use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    /// The structure's `size` field.
    pub size: Option<u32>,
    /// Bytes behind the structure.
    pub tail: Bytes,
    /// Bytes of the structure that there are, where fewer than all.
    pub cut: Option<u32>,
    /// Where the structure lies.
    pub arg: Placement,
    /// `in_len`; the input buffer keeps its size.
    pub in_len: Option<u32>,
    /// `out_len`; the output buffer is as long, unless `out_bytes` says otherwise.
    pub out_len: Option<u32>,
    /// Bytes of the output buffer.
    pub out_bytes: Option<u32>,
    /// Where the input buffer lies.
    pub input: Placement,
    /// Where the output buffer lies.
    pub output: Placement,
    /// The header's `op_size`.
    pub op_size: Option<u32>,
    /// The header's `opcode`, where it is not the command's own.
    pub opcode: Option<OpcodeName>,
    /// The header's `flags`.
    pub flags: u32,
    /// The header's `reserved1`.
    pub reserved: u32,
    /// What lies behind the payload in the input buffer.
    pub surplus: Bytes,
    /// How the kernel is entered.
    pub entry: Entry32,
    /// The command word, where it is not the right one (`"0x9a01"`).
    pub request: Option<Word>,
}

impl Call {
    pub(crate) fn is_ordinary(&self) -> bool {
        *self == Call::default()
    }
}

/// See [`Action::Info`](crate::Action::Info).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Info {
    /// The descriptor.
    pub slot: String,
    /// The `flags` field.
    pub flags: u32,
    /// The `device_data_len` field; the buffer is as long and four bytes more.
    pub device_data_len: u32,
    /// How it departs from the ordinary; `output` places the data buffer.
    #[serde(skip_serializing_if = "Call::is_ordinary")]
    pub call: Call,
}

impl Default for Info {
    fn default() -> Self {
        Info { slot: default_slot(), flags: 0, device_data_len: 0, call: Call::default() }
    }
}

pub(crate) fn configuration() -> ScopeName {
    ScopeName(0)
}

/// See [`Action::Ioctl`](crate::Action::Ioctl).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawIoctl {
    /// The descriptor.
    #[serde(default = "default_slot")]
    pub slot: String,
    /// The command word.
    pub request: Word,
    /// What the argument points to.
    #[serde(default)]
    pub bytes: Bytes,
    /// Where that lies.
    #[serde(default)]
    pub arg: Placement,
    /// How the kernel is entered.
    #[serde(default)]
    pub entry: Entry32,
}

/// See [`Action::FileCall`](crate::Action::FileCall).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFileCall {
    /// The descriptor.
    #[serde(default = "default_slot")]
    pub slot: String,
    /// Which call.
    pub call: FileCall,
}

/// A file found through a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// Where the path starts.
    pub anchor: Anchor,
    /// Relative to the anchor.
    #[serde(default)]
    pub path: String,
}

/// See [`Action::Write`](crate::Action::Write).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteFile {
    /// Where.
    pub at: Place,
    /// What.
    pub text: String,
}

/// A capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Capability {
    /// Override of file permissions.
    CapDacOverride,
    /// Raw I/O: what DEBUG_WRITE_FULL asks for.
    CapSysRawio,
    /// The rest of the administrator's rights.
    CapSysAdmin,
}

impl Capability {
    /// The number in include/uapi/linux/capability.h.
    pub fn number(self) -> u8 {
        match self {
            Capability::CapDacOverride => 1,
            Capability::CapSysRawio => 17,
            Capability::CapSysAdmin => 21,
        }
    }
}

/// See [`Action::DropCapability`](crate::Action::DropCapability).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropCapability {
    /// Which.
    pub name: Capability,
}

/// See [`Action::Become`](crate::Action::Become).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Become {
    /// User and group id.
    pub id: u32,
}

/// See [`Action::LoadModule`](crate::Action::LoadModule) and [`Action::UnloadModule`](crate::Action::UnloadModule).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name, as in `/proc/modules`.
    pub name: String,
}

/// A device of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnDevice {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
}

/// See [`Action::Settle`](crate::Action::Settle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// How far.
    pub until: Probe,
}

/// See [`Action::Pause`](crate::Action::Pause).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Milliseconds.
    pub ms: u32,
}

pub(crate) fn once() -> u32 {
    1
}

fn is_once(n: &u32) -> bool {
    *n == 1
}

/// A point of a parallel group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Its name.
    pub point: String,
}
