//! Sessions, device profiles, observations, transcripts and their JSON forms.
//!
//! A [`Session`] is [lowered](lower::lower) into raw operations for the guest's agent; each answer
//! becomes an [observation](observe::observe), and the observations of a session its
//! [`Transcript`]. Nothing here starts a process or judges a difference.

mod call;
pub mod decode;
pub mod file;
pub mod klog;
mod locate;
pub mod lower;
pub mod mailbox;
pub mod names;
pub mod observation;
pub mod observe;
pub mod profile;
pub mod session;
pub mod step;
pub mod sweep;
pub mod transcript;

pub use file::FileError;
pub use mailbox::MailboxCommand;
pub use observation::{Observation, Seen};
pub use session::{Boot, Need, Session, Sessions};
pub use step::{Action, Field, Step};
pub use transcript::{Performance, Transcript};
