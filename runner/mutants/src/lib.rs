//! Seeded changes of the kernel, and whether the suite catches them.
//!
//! A [`Mutant`] is a Coccinelle semantic patch with a head that says what it breaks and which rule has to say so.
//! [`apply`](apply::apply) gives the changed source; [`Seeds`] are those applied together, [`Trials`] builds its module, runs the suite on it and judges the
//! suite; [`Outcome`] is what came of that.

pub mod apply;
mod directory;
mod head;
mod mutant;
mod outcome;
pub mod page;
mod seeds;
mod trial;
mod window;

pub use directory::Mutants;
pub use mutant::{Kind, Mutant, MutantError};
pub use outcome::Outcome;
pub use seeds::Seeds;
pub use trial::{ControlError, Trial, Trials};
pub use window::Window;
