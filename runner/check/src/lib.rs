//! From kernels that are asked for to verdicts: resolves, runs, judges, tells.
//!
//! A [`Target`] is a kernel with what is expected of it; [`Check::run`] performs sessions on it and
//! judges them as they come; [`record`](record::record) keeps what a kernel gave for review. The
//! command and the test harness both stand on this; neither format nor arguments are known here.

pub mod against;
mod arrivals;
pub mod bisect;
mod check;
mod company;
mod confirm;
pub mod kept;
mod outlook;
pub mod record;
pub mod releases;
mod run;
pub mod shows;
mod target;

pub use arrivals::arrivals;
pub use check::{Check, explained};
pub use outlook::outlook;
pub use target::Target;
