//! Renders a run: terminal, run.json, KTAP, HTML.
//!
//! The run emits [`RunEvent`](scrubjay_run::RunEvent)s; each format is one [`Consumer`](scrubjay_run::Consumer) in one
//! file, and [`Reports`] hands every event to all of them. A format never reaches back into what runs or judges.

mod again;
mod bar;
mod card;
mod causes;
pub mod diff;
mod difference;
mod document;
mod fan;
mod finding;
mod gather;
mod github_annotations;
mod github_summary;
mod gitlab_code_quality;
mod html;
mod junit;
mod kcidb;
pub mod kept;
mod ktap;
mod list;
mod location;
mod markdown;
pub mod merge;
mod not_tested;
mod paint;
mod problem;
mod profile;
pub mod rejudge;
pub mod run;
mod sarif;
mod summary;
mod terminal;
mod text;
mod untested;
mod waivers;

pub use bar::Bar;
pub use document::{Document, Sink};
pub use fan::Reports;
pub use ktap::Ktap;
pub use paint::Colour;
pub use run::Run;
pub use terminal::{Detail, Terminal};
