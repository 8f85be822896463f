//! What an RPC to a CXL device looks like: `include/uapi/fwctl/cxl.h`.
//!
//! The headers are in the host's byte order; what follows them ([`crate::feature`]) is little-endian.

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

/// The mailbox commands that fwctl carries, and Perform Maintenance, which it refuses (CXL r3.2, 8.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[repr(u16)]
pub enum Opcode {
    /// Get Supported Features.
    GetSupportedFeatures = 0x0500,
    /// Get Feature.
    GetFeature = 0x0501,
    /// Set Feature.
    SetFeature = 0x0502,
    /// Perform Maintenance.
    PerformMaintenance = 0x0600,
}

impl Opcode {
    /// All of them, by number.
    pub const ALL: [Opcode; 4] =
        [Opcode::GetSupportedFeatures, Opcode::GetFeature, Opcode::SetFeature, Opcode::PerformMaintenance];

    /// The command with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.number() == number)
    }

    /// Its number.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Opcode::GetSupportedFeatures => "get-supported-features",
            Opcode::GetFeature => "get-feature",
            Opcode::SetFeature => "set-feature",
            Opcode::PerformMaintenance => "perform-maintenance",
        }
    }
}
