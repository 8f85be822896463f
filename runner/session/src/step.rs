//! Steps: what a user-space program, or the firmware beneath it, does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{
    Become, DropCapability, Dup, Info, Module, Nothing, OnDevice, Open, Pause, Place, Point, RawFileCall,
    RawIoctl, Settle, Slot, WriteFile,
};
use crate::cxl::action::{
    Driver, FirmwareFail, FirmwareFault, FirmwareSet, GetFeature, GetSupportedFeatures, Hold, MemdevQuery,
    MemdevSend, Rpc, SetFeature,
};
use crate::sweep::{Collected, Vary};

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

impl Step {
    /// Whether only a sample of so many values is tried of it: a sweep of more, where only damage is looked for.
    pub fn is_sampled(&self, most: u64) -> bool {
        let Action::Sweep(sweep) = &self.action else { return false };
        self.outcome == Outcome::Undefined && sweep.vary.iter().any(|vary| vary.values.len() > most)
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
    /// `CXL_MEM_QUERY_COMMANDS` of the memdev's node.
    MemdevQuery(MemdevQuery),
    /// `CXL_MEM_SEND_COMMAND` of the memdev's node.
    MemdevSend(MemdevSend),
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

impl Action {
    /// The kinds of what is done: the step's name, for a sweep that of its call, for a group those of its steps.
    pub fn kinds(&self) -> Vec<String> {
        match self {
            Action::Sweep(sweep) => vec![sweep.call.key()],
            Action::Parallel(group) => {
                let steps = group.branches.iter().flat_map(|branch| &branch.steps);
                steps.flat_map(|step| step.action.kinds()).collect()
            }
            action => vec![action.key()],
        }
    }

    /// The step's name, as the file has it.
    pub(crate) fn key(&self) -> String {
        let json = serde_json::to_value(self).ok();
        json.and_then(|json| json.as_object()?.keys().next().cloned()).unwrap_or_default()
    }
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

/// See [`Action::Sweep`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The call: `info`, one of the RPCs, or `ioctl`.
    pub call: Box<Action>,
    /// What moves, the last fastest.
    pub vary: Vec<Vary>,
    /// Which answers belong to a round's result.
    #[serde(default)]
    pub collect: Vec<Collected>,
}
