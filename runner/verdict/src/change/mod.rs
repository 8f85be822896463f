//! Named changes: the ABI's history, one file each.
//!
//! `form` is the form, `check` holds it against itself, `stand` says which release has a change, `page`
//! shows it. `unseen` is what upstream
//! changed and no session shows.

mod check;
mod form;
mod page;
mod stand;
mod unseen;

pub use form::{Change, Changes, Commit, FORMAT, InSeries, Known, NoStatement, Statement};
pub use stand::Stand;
pub use unseen::{NotShown, Unseen};
