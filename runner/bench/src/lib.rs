//! Figures of speed and size, measured in one run on a real kernel.
//!
//! [`Bench`] measures, one thing a file: `shared` the shared boot beside a bare one, `calls` single
//! calls and what they cost the device, `everything` each boot of a whole run and the calls that sweeps
//! make. [`Figures`] is what comes of it, [`text()`] shows it to a person. Absolute times are the host's as
//! much as ours, so what is promised is a ratio where one can be had, taken from pairs that were measured
//! one after the other; `host` says how busy the host was with other things.

mod bench;
mod calls;
mod everything;
mod figures;
mod host;
mod measure;
mod shared;
mod stats;
mod text;

pub use bench::{Bench, BenchError, Stage};
pub use figures::{
    Call, Calls, Everything, FORMAT, Figures, Group, Host, Laps, Memory, Shared, Sweep, TARGETS, Targets,
};
pub use text::text;
