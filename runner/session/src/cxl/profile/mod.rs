//! Device profiles (`scrubjay.device/1`): the firmware that a session runs against.
//!
//! Owns the format, its checks and the loading of files; knows nothing of registers, of QEMU or of
//! what a device does with a profile.

mod check;
mod effects;
mod fault;
mod feature;
mod load;
mod text;
pub(crate) mod useless;

use schemars::JsonSchema;
use scrubjay_uapi::cxl::Effects;
use scrubjay_wire::Probe;
use serde::{Deserialize, Serialize};

pub use fault::{Answered, Background, Fault, Play, Replaced, Trigger};
pub use feature::{EntryOverride, Feature};
pub use load::{Profiles, UnknownProfile};
pub use text::{Hex16, Hex64, OpcodeRef};

/// The version of the format.
pub const FORMAT: &str = "scrubjay.device/1";

/// An emulated device: who it is, what it can do, how it misbehaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// The format, `scrubjay.device/1`.
    #[schemars(schema_with = "text::schema_tag")]
    pub format: String,
    /// The file's stem.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// The PCI device serial number; no two profiles of a directory share one.
    pub serial: Hex64,
    /// What it is attached to.
    pub attach: Attach,
    /// How far a kernel with everything built in brings it up: `present`, `memdev`, `endpoint` or `node`.
    #[schemars(schema_with = "text::schema_probe")]
    pub until: Probe,
    /// PCI ids.
    #[serde(default)]
    pub pci: PciIds,
    /// Bytes of mailbox payload: a power of two, 256 to 1,048,576.
    #[serde(default = "default_mailbox_payload")]
    pub mailbox_payload: u32,
    /// Bytes of payload that the mailbox's capability register claims instead, a power of two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox_payload_claimed: Option<u32>,
    /// What Identify calls the firmware: at most 16 ASCII characters.
    #[serde(default = "default_firmware_version")]
    pub firmware_version: String,
    /// Capacity in MiB, a multiple of 256; all of it volatile.
    #[serde(default = "default_capacity")]
    pub capacity_mib: u32,
    /// Which capabilities its component registers have, each once; both where left out.
    #[serde(default = "both_capabilities", skip_serializing_if = "are_both_capabilities")]
    pub component_capabilities: Vec<ComponentCapability>,
    /// The command effects log where it is not simply what the device implements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cel: Option<Cel>,
    /// The Features, in the order of their indices.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// Misbehaviour to play, the first that matches a command first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// What a device is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Attach {
    /// Ours, a CXL endpoint below a CXL root port (QEMU's `cxl-rp`): memdev, port, EDAC.
    CxlEndpoint,
    /// Ours, below a PCIe root port (QEMU's `pcie-root-port`): memdev, no CXL port, no EDAC.
    Pcie,
    /// QEMU's own `cxl-type3` below a `cxl-rp`; no server of ours, no Features of this profile.
    QemuCxlType3,
}

impl Attach {
    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Attach::CxlEndpoint => "cxl-endpoint",
            Attach::Pcie => "pcie",
            Attach::QemuCxlType3 => "qemu-cxl-type3",
        }
    }
}

/// PCI identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PciIds {
    /// Vendor id.
    pub vendor: Hex16,
    /// Device id.
    pub device: Hex16,
}

impl Default for PciIds {
    /// Ids that no vendor has; the kernel binds by class.
    fn default() -> Self {
        PciIds { vendor: Hex16(0x1234), device: Hex16(0xf0c1) }
    }
}

/// A capability of the component registers (CXL r3.2, 8.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentCapability {
    /// RAS: errors of the link and the device.
    Ras,
    /// HDM decoders, without which the kernel makes no endpoint and so no EDAC device.
    HdmDecoder,
}

fn both_capabilities() -> Vec<ComponentCapability> {
    vec![ComponentCapability::Ras, ComponentCapability::HdmDecoder]
}

fn are_both_capabilities(capabilities: &[ComponentCapability]) -> bool {
    capabilities == both_capabilities()
}

/// The command effects log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cel {
    /// What the device implements but for these commands, which then answer `unsupported`.
    Without(Vec<OpcodeRef>),
    /// Exactly these rows, in this order, true or not. A command without a row answers `unsupported`.
    Rows(Vec<CelRow>),
}

/// One row of the command effects log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CelRow {
    /// The command.
    pub opcode: OpcodeRef,
    /// Its effects.
    pub effects: Effects,
}

fn default_mailbox_payload() -> u32 {
    4096
}

fn default_firmware_version() -> String {
    "1.0".to_owned()
}

fn default_capacity() -> u32 {
    256
}

impl Profile {
    /// The Feature of this name.
    pub fn feature(&self, name: &str) -> Option<&Feature> {
        self.features.iter().find(|feature| feature.name == name)
    }

    /// Bytes of payload that the mailbox says it has, true or not.
    pub fn claimed_payload(&self) -> u32 {
        self.mailbox_payload_claimed.unwrap_or(self.mailbox_payload)
    }

    /// Whether the device is ours and needs a server.
    pub fn is_served(&self) -> bool {
        self.attach != Attach::QemuCxlType3
    }
}
