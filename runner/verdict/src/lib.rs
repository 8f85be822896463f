//! Golden against transcript: which changes a kernel carries, and what no change explains.
//!
//! [`Golden`]s say what a session is expected to give, [`Change`]s name known differences,
//! [`judge`](judge::judge) holds a kernel's transcripts against both and gives a [`KernelVerdict`]
//! of [`Finding`]s, each by a [`Rule`] and with a severity under each [`Policy`]. Nothing here runs
//! a kernel or prints a report.

pub mod against;
pub mod cause;
pub mod change;
mod claims;
mod classify;
mod damage;
pub mod decoded;
pub mod defect;
pub mod defect_seen;
mod explain;
mod feature;
pub mod finding;
pub mod golden;
pub mod history;
pub mod judge;
pub mod library;
pub mod normalisation;
pub mod policy;
pub mod promise;
pub mod release;
pub mod review;
pub mod rule;
pub mod waiver;

pub use against::Reference;
pub use cause::{Cause, Standing, causes};
pub use change::{Change, Changes};
pub use claims::Claims;
pub use classify::asked;
pub use defect::Defect;
pub use defect_seen::{DefectSeen, DefectState};
pub use explain::differing;
pub use feature::{Feature, FeatureError};
pub use finding::Finding;
pub use golden::{Golden, Goldens};
pub use history::ChangeProfile;
pub use judge::{Expectation, KernelVerdict, SessionVerdict, Status};
pub use library::{Library, LibraryError};
pub use policy::{OwnPolicy, Policy, PolicyError, Severities, Severity};
pub use promise::{Class, Promises};
pub use release::{Release, Series};
pub use rule::{Rule, RuleError};
pub use waiver::{Waiver, WaiverError, WaiverState, WaiverUse, Waivers};
