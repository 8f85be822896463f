//! Steps: what a user-space program, or the firmware beneath it, does.

use schemars::JsonSchema;
use scrubjay_wire::{Anchor, Bytes, Entry32, FileCall, Placement, Probe};
use serde::{Deserialize, Serialize};

use crate::names::{OpcodeName, ScopeName, SelectionName};
use crate::profile::{Play, Trigger};
use crate::sweep::Sweep;

/// One step of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Stable and unique in the session: goldens, findings and waivers name it.
    pub id: String,
    /// What is done.
    #[serde(rename = "do")]
    pub action: Action,
    /// The promise that the step's fields belong to; the session's where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<String>,
    /// Fields that belong to another promise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
    /// Fields that may differ between runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
    /// What kind of outcome is compared.
    #[serde(default, skip_serializing_if = "Outcome::is_value")]
    pub outcome: Outcome,
    /// Milliseconds until the step counts as hung, before scaling for the accelerator; 5,000 where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
}

/// A field and the promise it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The field.
    pub field: Field,
    /// The promise's id.
    pub promise: String,
}

/// A field that may differ between runs, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// The field.
    pub field: Field,
    /// Why.
    pub why: String,
}

/// The fields of an observation that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// The errno by name.
    Errno,
    /// What the call returned.
    Ret,
    /// The argument structure afterwards.
    Arg,
    /// The input buffer, where the call changed it.
    Input,
    /// The output buffer afterwards.
    Out,
    /// What was read.
    Text,
    /// What was listed.
    Entries,
    /// What a sweep gave.
    Runs,
    /// The branches of a parallel group.
    Branches,
    /// Taint flags that the step set.
    Taint,
    /// Mailbox commands that the firmware received.
    Mailbox,
    /// Events in the kernel log.
    Log,
    /// That the step came to its end.
    End,
}

impl Field {
    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Field::Errno => "errno",
            Field::Ret => "ret",
            Field::Arg => "arg",
            Field::Input => "input",
            Field::Out => "out",
            Field::Text => "text",
            Field::Entries => "entries",
            Field::Runs => "runs",
            Field::Branches => "branches",
            Field::Taint => "taint",
            Field::Mailbox => "mailbox",
            Field::Log => "log",
            Field::End => "end",
        }
    }
}

/// What kind of outcome a step has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// One value, or one of a set that the golden lists.
    #[default]
    Value,
    /// Differs by build of the kernel: recorded, never compared; damage still is.
    Undefined,
}

impl Outcome {
    fn is_value(&self) -> bool {
        *self == Outcome::Value
    }
}

fn default_slot() -> String {
    "fd".to_owned()
}

/// Everything that a step can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// What happened before: the mailbox commands and kernel log lines from power-on until the
    /// devices had settled. Only the first step of a session with a boot of its own.
    Probe(Nothing),
    /// Opens a device node.
    Open(Open),
    /// Closes a descriptor.
    Close(Slot),
    /// Makes a second descriptor of one.
    Dup(Dup),
    /// Opens `/proc/self/fd/N` of a descriptor.
    Reopen(Dup),
    /// `FWCTL_INFO`.
    Info(Info),
    /// `FWCTL_RPC` with Get Supported Features.
    GetSupportedFeatures(GetSupportedFeatures),
    /// `FWCTL_RPC` with Get Feature.
    GetFeature(GetFeature),
    /// `FWCTL_RPC` with Set Feature.
    SetFeature(SetFeature),
    /// `FWCTL_RPC` with any opcode and payload.
    Rpc(Rpc),
    /// Any ioctl.
    Ioctl(RawIoctl),
    /// A file operation that fwctl does not offer.
    FileCall(RawFileCall),
    /// Reads a file.
    Read(Place),
    /// Writes a file.
    Write(WriteFile),
    /// Lists a directory.
    List(Place),
    /// Type, mode and owner of a file.
    Stat(Place),
    /// Where a symbolic link ends.
    Resolve(Place),
    /// Reads `/proc/sys/kernel/tainted`.
    Taint(Nothing),
    /// Gives up a capability for the following steps.
    DropCapability(DropCapability),
    /// Becomes another user for the following steps.
    Become(Become),
    /// Enters a new user namespace as its root.
    NewUserNamespace(Nothing),
    /// Loads a module that the guest has; those that it depends on have to be there.
    LoadModule(Module),
    /// Unloads a module; EAGAIN while it is in use (kernel/module/main.c, delete_module).
    UnloadModule(Module),
    /// Unbinds a driver from the device.
    Unbind(Driver),
    /// Binds a driver to the device.
    Bind(Driver),
    /// Removes the PCI function.
    Remove(OnDevice),
    /// Scans the bus for the PCI function again.
    Rescan(OnDevice),
    /// Takes the device out of its slot: the attention button is pressed, the kernel lets the device go
    /// (drivers/pci/hotplug/pciehp_ctrl.c), and it is gone. Needs `pcie_ports=native` on the command line.
    Unplug(OnDevice),
    /// Puts the device into its slot again, as it is after a power cycle.
    Plug(OnDevice),
    /// Waits until the device has come up or gone.
    Settle(Settle),
    /// Sleeps.
    Pause(Pause),
    /// The firmware changes one of its values by itself.
    FirmwareSet(FirmwareSet),
    /// The firmware answers the next commands with a return code.
    FirmwareFail(FirmwareFail),
    /// The firmware misbehaves from now on, in any way that a profile can say.
    FirmwareFault(FirmwareFault),
    /// The device keeps the doorbell of the next command of this kind.
    Hold(Hold),
    /// Waits until the device holds a doorbell.
    AwaitHeld(OnDevice),
    /// The device lets the doorbell go.
    Release(OnDevice),
    /// Lists of steps at the same time.
    Parallel(Parallel),
    /// Raises a point.
    Signal(Point),
    /// Waits for a point.
    WaitFor(Point),
    /// One call many times over.
    Sweep(Sweep),
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

/// See [`Action::Open`].
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

/// See [`Action::Dup`] and [`Action::Reopen`].
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
    /// Bytes behind the payload in the input buffer.
    pub surplus: Bytes,
    /// How the kernel is entered.
    pub entry: Entry32,
    /// The command word, where it is not the right one (`0x9a01`).
    pub request: Option<u32>,
}

impl Call {
    fn is_ordinary(&self) -> bool {
        *self == Call::default()
    }
}

/// See [`Action::Info`].
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

fn configuration() -> ScopeName {
    ScopeName(0)
}

fn current() -> SelectionName {
    SelectionName(0)
}

/// See [`Action::GetSupportedFeatures`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSupportedFeatures {
    /// The descriptor.
    #[serde(default = "default_slot")]
    pub slot: String,
    /// The scope.
    #[serde(default = "configuration")]
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

/// See [`Action::GetFeature`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetFeature {
    /// The descriptor.
    #[serde(default = "default_slot")]
    pub slot: String,
    /// The scope.
    #[serde(default = "configuration")]
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

/// See [`Action::SetFeature`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFeature {
    /// The descriptor.
    #[serde(default = "default_slot")]
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

/// See [`Action::Rpc`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rpc {
    /// The descriptor.
    #[serde(default = "default_slot")]
    pub slot: String,
    /// The scope.
    #[serde(default = "configuration")]
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

/// See [`Action::Ioctl`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawIoctl {
    /// The descriptor.
    #[serde(default = "default_slot")]
    pub slot: String,
    /// The command word.
    pub request: u32,
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

/// See [`Action::FileCall`].
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

/// See [`Action::Write`].
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

/// See [`Action::DropCapability`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropCapability {
    /// Which.
    pub name: Capability,
}

/// See [`Action::Become`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Become {
    /// User and group id.
    pub id: u32,
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

/// See [`Action::LoadModule`] and [`Action::UnloadModule`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name, as in `/proc/modules`.
    pub name: String,
}

/// See [`Action::Unbind`] and [`Action::Bind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// Which driver.
    pub driver: DriverName,
}

/// A device of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnDevice {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
}

/// See [`Action::Settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// How far.
    pub until: Probe,
}

/// See [`Action::Pause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Milliseconds.
    pub ms: u32,
}

/// See [`Action::FirmwareSet`].
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

/// See [`Action::FirmwareFail`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirmwareFail {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// Commands with this opcode.
    pub opcode: OpcodeName,
    /// The return code.
    pub code: u16,
    /// How many of them.
    #[serde(default = "once")]
    pub times: u32,
}

/// See [`Action::FirmwareFault`].
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

fn once() -> u32 {
    1
}

fn is_once(n: &u32) -> bool {
    *n == 1
}

/// See [`Action::Hold`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Index into the session's devices.
    #[serde(default)]
    pub device: usize,
    /// The next command with this opcode.
    pub opcode: OpcodeName,
}

/// See [`Action::Parallel`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parallel {
    /// The lists, by name.
    pub branches: Vec<BranchSteps>,
}

/// One list of a parallel group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchSteps {
    /// Its name.
    pub name: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A point of a parallel group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Its name.
    pub point: String,
}
