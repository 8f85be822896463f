//! What a decision about the kernel would break, before it is made.
//!
//! A [`Decision`] names Features that the kernel is to keep to itself or to let go, or semantic patches. It becomes
//! [changed sources](Decision::sources), of which the caller has modules built. [`run`](run::run) performs the sessions
//! on the kernel as it is and on the changed one, and gives an [`Answer`]: what breaks, for which promise, under which
//! policy; what a program sees of each Feature; and what stays.

mod answer;
mod decision;
pub mod run;
mod sight;
mod text;

pub use answer::{Answer, Broken, Promised};
pub use decision::{Decision, DecisionError};
pub use run::run;
pub use sight::{Sight, What};
