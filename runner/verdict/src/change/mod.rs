//! Named changes: the ABI's history, one file each.
//!
//! `form` is the form, `check` holds it against itself, `stand` says which release has a change, `page`
//! shows it.

mod check;
mod form;
mod page;
mod stand;

pub use form::{Change, Changes, Commit, FORMAT, InSeries, Known, NoStatement, Statement};
pub use stand::Stand;
