//! Byte layouts of fwctl and CXL Features: the only place that knows an offset.
//!
//! [`fwctl`] is the ioctl interface, [`rpc`] what fwctl carries to a CXL device, [`feature`] the
//! Features commands themselves, [`known`] the Features that the kernel keeps to itself and
//! [`scrub`], [`ecs`] and [`repair`] the data of those. [`code`] names the mailbox return codes.
//! Nothing here reads, writes or judges: bytes in, names out.

pub mod bits;
pub mod code;
pub mod ecs;
pub mod feature;
pub mod fwctl;
pub mod known;
pub mod repair;
pub mod rpc;
pub mod scrub;

pub use bits::{Effects, FeatureFlags};
pub use code::ReturnCode;
pub use feature::{FeatureEntry, Selection, Transfer};
pub use fwctl::{DeviceType, Scope};
pub use known::KnownFeature;
pub use rpc::Opcode;
