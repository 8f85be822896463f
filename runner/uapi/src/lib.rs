//! Byte layouts of fwctl and of what it carries: the only place that knows an offset.
//!
//! [`fwctl`] is the ioctl interface, the same for every driver; [`cxl`] is what fwctl carries to a
//! CXL device. Nothing here reads, writes or judges: bytes in, names out.

pub mod cxl;
pub mod fwctl;

pub use fwctl::{DeviceType, Scope};
