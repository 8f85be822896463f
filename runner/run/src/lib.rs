//! What a run is, for whoever makes one and whoever shows one: its events, its exit status.
//!
//! The run emits [`RunEvent`]s; whoever shows it is a [`Consumer`]. [`Tally`] is one of those and
//! says how the command ends. Knows no format, and nothing of kernels, guests or sessions at work.

mod event;
mod shard;
mod status;
mod tally;

pub use event::{Again, Consumer, Guests, RunEvent};
pub use shard::{Shard, ShardError};
pub use status::ExitStatus;
pub use tally::{Tally, nothing_tested};
