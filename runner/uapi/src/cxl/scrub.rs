//! Device patrol scrub control: CXL r3.2, 8.2.10.9.11.1; `cxl_scrub_rd_attrbs` and
//! `cxl_scrub_wr_attrbs` in drivers/cxl/core/edac.c.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What Get Feature gives: 4 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct ScrubRead {
    /// Bit 0 [`CYCLE_CHANGEABLE`], bit 1 real-time progress reporting.
    pub capabilities: u8,
    /// Hours for one pass.
    pub cycle_hours: u8,
    /// The least that `cycle_hours` may be set to.
    pub min_cycle_hours: u8,
    /// Bit 0 [`ENABLED`].
    pub flags: u8,
}

/// What Set Feature takes: 2 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct ScrubWrite {
    /// Hours for one pass.
    pub cycle_hours: u8,
    /// Bit 0 [`ENABLED`].
    pub flags: u8,
}

/// The cycle may be set ([`ScrubRead::capabilities`]).
pub const CYCLE_CHANGEABLE: u8 = 1 << 0;
/// Scrubbing in the background is on.
pub const ENABLED: u8 = 1 << 0;
