//! Reads an x86 kernel image: what its [boot header](BootHeader) says, the [kernel proper](unpack) that it carries,
//! and whether that [starts by PVH](has_pvh_entry).
//!
//! Bytes in, what they say out; an image is believed in nothing that was not checked. Opens no file and boots nothing.

mod header;
mod payload;

pub use header::{BootHeader, LONGEST_VERSION, NotBootable, REACH};
pub use payload::{LARGEST_IMAGE, LARGEST_KERNEL, has_pvh_entry, unpack};
