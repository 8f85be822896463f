//! Renders a run: terminal, run.json, KTAP, HTML, exit status.
//!
//! The run emits [`RunEvent`]s; each format is one [`Consumer`] in one file, and [`Reports`] hands
//! every event to all of them. A format never reaches back into what runs or judges.

mod bar;
mod difference;
mod document;
mod event;
mod exit;
mod fan;
mod finding;
mod gather;
mod history;
mod html;
mod ktap;
mod paint;
mod profile;
pub mod run;
mod terminal;
mod text;
mod waivers;

pub use bar::Bar;
pub use document::{Document, Sink};
pub use event::{Consumer, RunEvent};
pub use exit::{ExitStatus, Tally};
pub use fan::Reports;
pub use history::nearest_release;
pub use ktap::Ktap;
pub use paint::Colour;
pub use run::Run;
pub use terminal::Terminal;

#[cfg(test)]
extern crate self as scrubjay_reports;

#[cfg(test)]
#[path = "../tests/samples/mod.rs"]
mod samples;
