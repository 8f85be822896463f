//! Sessions, device profiles, observations, transcripts and their JSON forms.
//!
//! A [`Session`] is [lowered](lower::lower) into raw operations for the guest's agent; each answer
//! becomes an [observation](observe::observe), and the observations of a session its
//! [`Transcript`]. What only a CXL device has is in [`cxl`]. Nothing here starts a process or judges a difference.

pub mod action;
mod call;
mod canonical;
mod check;
pub mod cxl;
mod decode;
pub mod descriptors;
pub mod file;
pub mod klog;
mod locate;
pub mod lower;
mod message;
pub mod name;
pub mod names;
pub mod observation;
pub mod observe;
mod refused;
pub mod session;
mod shape;
pub mod step;
pub mod sweep;
pub mod transcript;
mod wrong;

pub use cxl::mailbox::MailboxCommand;
pub use descriptors::Descriptors;
pub use file::FileError;
pub use observation::{Observation, Seen};
pub use refused::{MODULE_REFUSED, modules_refused};
pub use session::{Boot, Need, Session, Sessions};
pub use step::{Action, Field, Step};
pub use transcript::{Performance, Transcript};
