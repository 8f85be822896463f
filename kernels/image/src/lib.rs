//! Reads an x86 kernel image: what its [boot header](BootHeader) says, the [kernel proper](unpack) that it carries,
//! whether that [starts by PVH](has_pvh_entry), and the [config] that it has within itself.
//!
//! Bytes in, what they say out; an image is believed in nothing that was not checked. Opens no file and boots nothing.

mod header;
mod ikconfig;
mod payload;

pub use header::{BootHeader, LONGEST_VERSION, NotBootable, REACH};
pub use ikconfig::{LARGEST_CONFIG, config};
pub use payload::{LARGEST_IMAGE, LARGEST_KERNEL, has_pvh_entry, unpack};
