//! What an RPC to a CXL device looks like: `include/uapi/fwctl/cxl.h`.
//!
//! The headers are in the host's byte order; what follows them ([`super::feature`]) is little-endian.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zerocopy::native_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The header of `struct fwctl_rpc_cxl`: 16 bytes before the command's payload.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct RpcHeader {
    /// The mailbox command, an [`Opcode`].
    pub opcode: U32,
    /// Must be 0.
    pub flags: U32,
    /// Bytes of payload after the header.
    pub op_size: U32,
    /// Must be 0.
    pub reserved1: U32,
}

/// `sizeof(struct fwctl_rpc_cxl)`: the header and the largest member of its union.
pub const RPC_IN_SIZE: usize = 48;

/// The header of `struct fwctl_rpc_cxl_out`: 8 bytes before the answer's payload.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct RpcOutHeader {
    /// Bytes of payload.
    pub size: U32,
    /// The device's return code.
    pub retval: U32,
}

/// `sizeof(struct fwctl_rpc_cxl_out)`. The payload starts at 8, so the kernel's answer lengths
/// (this plus the payload) are 8 too long.
pub const RPC_OUT_SIZE: usize = 16;

macro_rules! opcodes {
    ($($number:literal $variant:ident $name:literal $doc:literal,)*) => {
        /// Mailbox commands by name (CXL r3.2, 8.2.10). fwctl carries the three of Features only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u16)]
        pub enum Opcode {
            $(
                #[doc = $doc]
                $variant = $number,
            )*
        }

        impl Opcode {
            /// All of them, by number.
            pub const ALL: &[Opcode] = &[$(Opcode::$variant),*];

            /// The name that JSON uses.
            pub fn name(self) -> &'static str {
                match self {
                    $(Opcode::$variant => $name,)*
                }
            }
        }
    };
}

opcodes! {
    0x0100 GetEventRecords "get-event-records" "Get Event Records.",
    0x0101 ClearEventRecords "clear-event-records" "Clear Event Records.",
    0x0102 GetEventInterruptPolicy "get-event-interrupt-policy" "Get Event Interrupt Policy.",
    0x0103 SetEventInterruptPolicy "set-event-interrupt-policy" "Set Event Interrupt Policy.",
    0x0200 GetFirmwareInfo "get-firmware-info" "Get FW Info.",
    0x0300 GetTimestamp "get-timestamp" "Get Timestamp.",
    0x0301 SetTimestamp "set-timestamp" "Set Timestamp.",
    0x0400 GetSupportedLogs "get-supported-logs" "Get Supported Logs.",
    0x0401 GetLog "get-log" "Get Log.",
    0x0500 GetSupportedFeatures "get-supported-features" "Get Supported Features.",
    0x0501 GetFeature "get-feature" "Get Feature.",
    0x0502 SetFeature "set-feature" "Set Feature.",
    0x0600 PerformMaintenance "perform-maintenance" "Perform Maintenance.",
    0x4000 Identify "identify" "Identify Memory Device.",
    0x4100 GetPartitionInfo "get-partition-info" "Get Partition Info.",
    0x4200 GetHealthInfo "get-health-info" "Get Health Info.",
}

impl Opcode {
    /// The command with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|o| o.number() == number)
    }

    /// The command with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|o| o.name() == name)
    }

    /// Its number.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// Whether it leaves the device as it is.
    pub fn only_reads(self) -> bool {
        match self {
            Opcode::GetEventRecords
            | Opcode::GetEventInterruptPolicy
            | Opcode::GetFirmwareInfo
            | Opcode::GetTimestamp
            | Opcode::GetSupportedLogs
            | Opcode::GetLog
            | Opcode::GetSupportedFeatures
            | Opcode::GetFeature
            | Opcode::Identify
            | Opcode::GetPartitionInfo
            | Opcode::GetHealthInfo => true,
            Opcode::ClearEventRecords
            | Opcode::SetEventInterruptPolicy
            | Opcode::SetTimestamp
            | Opcode::SetFeature
            | Opcode::PerformMaintenance => false,
        }
    }
}
