//! Renders a run: terminal, run.json, KTAP, HTML.
//!
//! The run emits [`RunEvent`](scrubjay_run::RunEvent)s; each format is one [`Consumer`](scrubjay_run::Consumer) in one file, and [`Reports`] hands
//! every event to all of them. A format never reaches back into what runs or judges.

mod again;
mod bar;
mod card;
mod causes;
mod difference;
mod document;
mod fan;
mod finding;
mod gather;
mod html;
mod ktap;
mod not_tested;
mod paint;
mod profile;
pub mod run;
mod summary;
mod terminal;
mod text;
mod waivers;

pub use bar::Bar;
pub use document::{Document, Sink};
pub use fan::Reports;
pub use ktap::Ktap;
pub use paint::Colour;
pub use run::Run;
pub use terminal::{Detail, Terminal};
