//! Plans boot groups and runs them: from sessions and a kernel to transcripts.
//!
//! [`plan`] says which sessions share a boot; [`Lab::run`] boots, performs and retires guests; the
//! transcripts go to whoever judges them. The command and the test harness call the same engine.

mod bank;
mod causes;
mod converse;
mod guest;
mod kept;
mod lab;
mod plan;
mod prelude;
mod presence;
mod protocol;
mod setup;
pub mod watched;

pub use converse::damage_lines;
pub use kept::Kept;
pub use lab::{Again, CameUp, KernelRun, Progress, Stands, Tell};
pub use plan::{BootPlan, Placed, plan, shuffled};
pub use setup::{Kernel, Lab, Sabotage};
