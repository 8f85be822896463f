//! The Features commands: CXL r3.2, 8.2.10.6; `include/uapi/cxl/features.h`. Little-endian.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::bits::{Effects, FeatureFlags};

/// A UUID as the kernel's `uuid_t` holds it: the bytes in the order in which the text form reads.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct WireUuid(pub [u8; 16]);

impl From<Uuid> for WireUuid {
    fn from(uuid: Uuid) -> Self {
        WireUuid(*uuid.as_bytes())
    }
}

impl From<WireUuid> for Uuid {
    fn from(uuid: WireUuid) -> Self {
        Uuid::from_bytes(uuid.0)
    }
}

/// Get Supported Features, input (8.2.10.6.1): 8 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct GetSupportedIn {
    /// To a device: bytes of answer wanted, header included. Through fwctl: bytes of entries.
    pub count: U32,
    /// The first entry wanted.
    pub start_idx: U16,
    /// 0.
    pub reserved: [u8; 2],
}

/// Get Supported Features, output header: 8 bytes before the entries.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct GetSupportedOut {
    /// Entries that follow.
    pub num_entries: U16,
    /// Entries that there are.
    pub supported_feats: U16,
    /// 0.
    pub reserved: [u8; 4],
}

/// Supported Feature Entry: 48 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct FeatureEntry {
    /// Which Feature.
    pub uuid: WireUuid,
    /// Its index, from 0.
    pub id: U16,
    /// Most bytes that Get Feature gives.
    pub get_feat_size: U16,
    /// Most bytes of Feature data that Set Feature takes; 0 for one that cannot be changed.
    pub set_feat_size: U16,
    /// Attributes.
    pub flags: U32,
    /// Version of the readable data.
    pub get_feat_ver: u8,
    /// Version of the writable data.
    pub set_feat_ver: u8,
    /// What a Set Feature does.
    pub effects: U16,
    /// 0.
    pub reserved: [u8; 18],
}

impl FeatureEntry {
    /// The attribute flags.
    pub fn flags(&self) -> FeatureFlags {
        FeatureFlags(self.flags.get())
    }

    /// The Set Feature effects.
    pub fn effects(&self) -> Effects {
        Effects(self.effects.get())
    }
}

/// Get Feature, input (8.2.10.6.2): 21 bytes, no padding.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct GetFeatureIn {
    /// Which Feature.
    pub uuid: WireUuid,
    /// First byte wanted.
    pub offset: U16,
    /// Bytes wanted.
    pub count: U16,
    /// A [`Selection`].
    pub selection: u8,
}

/// Set Feature, input header (8.2.10.6.3): 32 bytes before the Feature data.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SetFeatureIn {
    /// Which Feature.
    pub uuid: WireUuid,
    /// Bits 2:0 a [`Transfer`], bit 3 [`SAVED_ACROSS_RESET`].
    pub flags: U32,
    /// Where in the Feature data the data goes.
    pub offset: U16,
    /// Version of the data.
    pub version: u8,
    /// 0.
    pub rsvd: [u8; 9],
}

impl SetFeatureIn {
    /// The transfer action, `Err` with its number for one that is reserved.
    pub fn transfer(&self) -> Result<Transfer, u8> {
        let number = (self.flags.get() & TRANSFER_MASK) as u8;
        Transfer::from_number(number).ok_or(number)
    }

    /// Whether the value is to be kept over a reset.
    pub fn saved_across_reset(&self) -> bool {
        self.flags.get() & SAVED_ACROSS_RESET != 0
    }
}

/// The bits of [`SetFeatureIn::flags`] that hold a [`Transfer`].
pub const TRANSFER_MASK: u32 = 0b111;
/// The bit of [`SetFeatureIn::flags`] that asks for the value to be kept over a reset.
pub const SAVED_ACROSS_RESET: u32 = 1 << 3;

/// Which of its values a Get Feature reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Selection {
    /// The value in force.
    Current = 0,
    /// The value as delivered.
    Default = 1,
    /// The value that a reset brings back.
    Saved = 2,
}

impl Selection {
    /// All of them, by number.
    pub const ALL: [Selection; 3] = [Selection::Current, Selection::Default, Selection::Saved];

    /// The selection with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Selection::Current => "current",
            Selection::Default => "default",
            Selection::Saved => "saved",
        }
    }
}

/// Which part of a transfer a Set Feature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Transfer {
    /// All of it.
    Full = 0,
    /// The first part.
    Initiate = 1,
    /// A part in between.
    Continue = 2,
    /// The last part.
    Finish = 3,
    /// None: what came so far is void.
    Abort = 4,
}

impl Transfer {
    /// All of them, by number.
    pub const ALL: [Transfer; 5] =
        [Transfer::Full, Transfer::Initiate, Transfer::Continue, Transfer::Finish, Transfer::Abort];

    /// The action with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Transfer::Full => "full",
            Transfer::Initiate => "initiate",
            Transfer::Continue => "continue",
            Transfer::Finish => "finish",
            Transfer::Abort => "abort",
        }
    }
}
