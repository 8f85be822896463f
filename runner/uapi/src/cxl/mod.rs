//! CXL's layouts: what an RPC carries to a CXL device, and what that device's mailbox takes.
//!
//! [`rpc`] is the RPC's own form, [`feature`] the Features commands, [`known`] the Features that the
//! kernel keeps to itself and [`scrub`], [`ecs`] and [`repair`] the data of those. [`code`] names
//! the mailbox return codes. The ioctls that carry it all are [`crate::fwctl`]; those of the memdev's
//! own node, the other way to the same mailbox, are [`memdev`].

pub mod bits;
pub mod code;
pub mod ecs;
pub mod feature;
pub mod known;
pub mod memdev;
pub mod repair;
pub mod rpc;
pub mod scrub;

pub use bits::{Effects, FeatureFlags};
pub use code::ReturnCode;
pub use feature::{FeatureEntry, Selection, Transfer};
pub use known::KnownFeature;
pub use memdev::MemdevCommand;
pub use rpc::Opcode;
