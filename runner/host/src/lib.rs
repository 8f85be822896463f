//! What a process leaves on its host: children, directories, files, and words for a terminal.
//!
//! [`interrupt`] is the one list of what has to go when the process goes, [`process`] starts programs
//! that cannot outlive it, [`input`] reads what others wrote, [`output`] writes files without harming what
//! stands there, [`words`] makes a text of anybody's harmless. Knows nothing of kernels, guests or sessions.

pub mod cache;
mod ending;
pub mod input;
pub mod interrupt;
pub mod output;
pub mod process;
pub mod words;

pub use ending::Manner;
pub use nix::sys::signal::Signal;
pub use output::{Output, OutputError, UnwrittenError};
pub use process::Process;
