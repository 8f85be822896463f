//! The CXL family: what only a CXL device has, whoever carries it.
//!
//! A device's [firmware](profile), the [actions](action) on Features, drivers and firmware, how they
//! are laid out and how answers read. What every fwctl device has lies beside this folder.

pub mod action;
pub(crate) mod call;
pub(crate) mod decode;
pub mod mailbox;
pub(crate) mod memdev;
pub mod messages;
pub mod names;
pub(crate) mod places;
pub mod profile;
