//! A kernel as a distribution ships it: in packages that the user names, or installed.
//!
//! ```text
//! control, crate::rpm   what a package says of itself
//! beside                which packages beside one belong to it
//! layout                where a kernel's files are in packages
//! parts                 image, config, symbols and modules, and what they are held against each other for
//! wanted                the modules that a guest loads of it
//! options               what a config says of fwctl
//! packages              packages that the user names
//! installed             a kernel in a machine's own directories
//! take                  from either of them to parts
//! ```
//!
//! A package is believed in nothing. Fetches nothing, and boots nothing.

mod beside;
mod control;
mod installed;
mod layout;
mod options;
mod packages;
mod parts;
pub(crate) mod take;
mod wanted;

pub use installed::Installed;
pub use options::FWCTL;
pub(crate) use options::without_fwctl;
pub use packages::{Package, PackageError, Packages};
pub(crate) use wanted::names as wanted;
