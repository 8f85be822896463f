//! DDR5 error check scrub control: CXL r3.2, 8.2.10.9.11.2; `cxl_ecs_rd_attrbs` and
//! `cxl_ecs_wr_attrbs` in drivers/cxl/core/edac.c.
//!
//! Readable data is one byte (log entry type) and an [`EcsFruRead`] for each media FRU; writable
//! data is that byte and an [`EcsFruWrite`] for each.

use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// One media FRU as Get Feature gives it: 4 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct EcsFruRead {
    /// Bit 0: real-time reporting.
    pub capabilities: u8,
    /// [`THRESHOLD_MASK`], [`COUNT_CODEWORDS`].
    pub config: U16,
    /// Bits 2:0 a summary of errors.
    pub flags: u8,
}

/// One media FRU as Set Feature takes it: 2 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct EcsFruWrite {
    /// [`THRESHOLD_MASK`], [`COUNT_CODEWORDS`], [`RESET_COUNTER`].
    pub config: U16,
}

/// Bytes before the first FRU.
pub const HEADER: usize = 1;
/// The bits of the header that hold the log entry type: 0 by DRAM, 1 by memory media FRU.
pub const LOG_ENTRY_TYPE_MASK: u8 = 0b11;
/// Threshold of errors per gigabit of cells: 3 is 256, 4 is 1,024, 5 is 4,096.
pub const THRESHOLD_MASK: u16 = 0b111;
/// Count codewords with errors, not rows.
pub const COUNT_CODEWORDS: u16 = 1 << 3;
/// Start the counter afresh; reads as 0.
pub const RESET_COUNTER: u16 = 1 << 4;
