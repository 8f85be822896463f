//! The ioctl interface: `include/uapi/fwctl/fwctl.h`.
//!
//! Integers are the host's; both structures are laid out alike for 32-bit and 64-bit callers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zerocopy::native_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `FWCTL_INFO`, `_IO(0x9a, 0)`.
pub const FWCTL_INFO: u32 = 0x9a00;
/// `FWCTL_RPC`, `_IO(0x9a, 1)`.
pub const FWCTL_RPC: u32 = 0x9a01;
/// The longest input and the longest output of an RPC, in bytes (drivers/fwctl/main.c, `MAX_RPC_LEN`).
pub const MAX_RPC_LEN: u32 = 2 << 20;
/// The bit of `/proc/sys/kernel/tainted` that an RPC of a debug-write scope sets (include/linux/panic.h).
pub const TAINT_FWCTL: u32 = 19;

/// `struct fwctl_info`: 24 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Info {
    /// The structure's own size.
    pub size: U32,
    /// Must be 0.
    pub flags: U32,
    /// Answer: a [`DeviceType`].
    pub out_device_type: U32,
    /// In: bytes at `out_device_data`; answer: bytes that the kernel has.
    pub device_data_len: U32,
    /// User address.
    pub out_device_data: U64,
}

/// `struct fwctl_rpc`: 32 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Rpc {
    /// The structure's own size.
    pub size: U32,
    /// A [`Scope`].
    pub scope: U32,
    /// Bytes at `input`.
    pub in_len: U32,
    /// In: bytes at `output`; answer: bytes that the driver made.
    pub out_len: U32,
    /// User address of the request.
    pub input: U64,
    /// User address of the answer.
    pub output: U64,
}

/// `enum fwctl_device_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[repr(u32)]
pub enum DeviceType {
    /// No device has it.
    Error = 0,
    /// mlx5.
    Mlx5 = 1,
    /// A CXL memory device.
    Cxl = 2,
    /// bnxt.
    Bnxt = 3,
    /// pds_core.
    Pds = 4,
}

impl DeviceType {
    /// All of them, by number.
    pub const ALL: [DeviceType; 5] =
        [DeviceType::Error, DeviceType::Mlx5, DeviceType::Cxl, DeviceType::Bnxt, DeviceType::Pds];

    /// The type with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            DeviceType::Error => "error",
            DeviceType::Mlx5 => "mlx5",
            DeviceType::Cxl => "cxl",
            DeviceType::Bnxt => "bnxt",
            DeviceType::Pds => "pds",
        }
    }
}

/// `enum fwctl_rpc_scope`: what an RPC asks to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[repr(u32)]
pub enum Scope {
    /// Reads and writes configuration; the device stays supported.
    Configuration = 0,
    /// Reads debug information.
    DebugReadOnly = 1,
    /// Writes debug state; taints the kernel.
    DebugWrite = 2,
    /// Everything; needs CAP_SYS_RAWIO and taints the kernel.
    DebugWriteFull = 3,
}

impl Scope {
    /// All of them, by number.
    pub const ALL: [Scope; 4] =
        [Scope::Configuration, Scope::DebugReadOnly, Scope::DebugWrite, Scope::DebugWriteFull];

    /// The scope with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Configuration => "configuration",
            Scope::DebugReadOnly => "debug-read-only",
            Scope::DebugWrite => "debug-write",
            Scope::DebugWriteFull => "debug-write-full",
        }
    }
}
