//! Memory repair: post package repair and memory sparing, the Features (CXL r3.2, 8.2.10.7.2) and
//! the maintenance operations (8.2.10.7.1); `cxl_memdev_ppr_rd_attrbs`,
//! `cxl_memdev_sparing_rd_attrbs` and their input payloads in drivers/cxl/core/edac.c.

use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::KnownFeature;

/// What the readable data of every repair Feature starts with: 16 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct RepairHeader {
    /// The longest that an operation takes: bits 3:0 a scale, bits 7:4 a count.
    pub max_op_latency: u8,
    /// Bit 0: the device may start operations by itself.
    pub op_cap: U16,
    /// Bit 0: it does.
    pub op_mode: U16,
    /// Class of the maintenance operation.
    pub op_class: u8,
    /// Its subclass.
    pub op_subclass: u8,
    /// 0.
    pub reserved: [u8; 9],
}

/// Soft or hard PPR as Get Feature gives it: 20 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct PprRead {
    /// Common part.
    pub header: RepairHeader,
    /// Bit 0 a DPA can be given, bit 1 a nibble mask, bit 2 sparing event records, bit 3 PPR at boot.
    pub ppr_flags: u8,
    /// Bit 0 media not accessible, bit 2 data not retained.
    pub restriction_flags: U16,
    /// Bit 0 sparing event records are on, bit 1 PPR at boot is on.
    pub ppr_op_mode: u8,
}

/// Soft or hard PPR as Set Feature takes it: 3 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct PprWrite {
    /// As [`RepairHeader::op_mode`].
    pub op_mode: U16,
    /// As [`PprRead::ppr_op_mode`].
    pub ppr_op_mode: u8,
}

/// Memory sparing as Get Feature gives it: 19 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SparingRead {
    /// Common part.
    pub header: RepairHeader,
    /// 0.
    pub reserved: u8,
    /// Bit 0 not safe when in use, bit 1 hard sparing, bit 2 soft sparing.
    pub restriction_flags: U16,
}

/// Memory sparing as Set Feature takes it: 2 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SparingWrite {
    /// As [`RepairHeader::op_mode`].
    pub op_mode: U16,
}

/// The bit of `op_cap` and `op_mode` for operations that the device starts by itself.
pub const DEVICE_INITIATED: u16 = 1 << 0;
/// The bit of [`SparingRead::restriction_flags`] for hard (lasting) sparing.
pub const HARD_SPARING: u16 = 1 << 1;
/// The bit of [`SparingRead::restriction_flags`] for soft sparing.
pub const SOFT_SPARING: u16 = 1 << 2;

/// Perform Maintenance, input header: 2 bytes before the operation's parameters.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct MaintenanceHeader {
    /// 1 PPR, 2 memory sparing.
    pub op_class: u8,
    /// Which of the class.
    pub op_subclass: u8,
}

/// Parameters of a PPR maintenance operation: 12 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct PprOperation {
    /// Bit 0: query resources only.
    pub flags: u8,
    /// Device physical address.
    pub dpa: U64,
    /// 24 bits, little-endian.
    pub nibble_mask: [u8; 3],
}

/// Parameters of a memory sparing operation: 14 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SparingOperation {
    /// Bit 0 query resources only, bit 1 hard sparing, bit 2 sub-channel valid, bit 3 nibble mask valid.
    pub flags: u8,
    /// Channel.
    pub channel: u8,
    /// Rank.
    pub rank: u8,
    /// 24 bits, little-endian.
    pub nibble_mask: [u8; 3],
    /// Bank group.
    pub bank_group: u8,
    /// Bank.
    pub bank: u8,
    /// 24 bits, little-endian.
    pub row: [u8; 3],
    /// Column.
    pub column: U16,
    /// Sub-channel.
    pub sub_channel: u8,
}

/// The bit of an operation's flags that only asks for resources.
pub const QUERY_RESOURCES: u8 = 1 << 0;
/// The bit of [`SparingOperation::flags`] for hard sparing.
pub const OPERATION_HARD: u8 = 1 << 1;

/// Class and subclass of a repair Feature's maintenance operation; `None` for a Feature without one.
pub const fn maintenance_of(feature: KnownFeature) -> Option<MaintenanceHeader> {
    let (op_class, op_subclass) = match feature {
        KnownFeature::SoftPpr => (1, 0),
        KnownFeature::HardPpr => (1, 1),
        KnownFeature::CachelineSparing => (2, 0),
        KnownFeature::RowSparing => (2, 1),
        KnownFeature::BankSparing => (2, 2),
        KnownFeature::RankSparing => (2, 3),
        KnownFeature::PatrolScrub | KnownFeature::Ecs => return None,
    };
    Some(MaintenanceHeader { op_class, op_subclass })
}
