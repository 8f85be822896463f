//! What is measured, and why there may be no figures. Measures nothing.

use scrubjay_engine::watched::WatchError;
use scrubjay_engine::{Kernel, Lab};

/// What is measured.
pub struct Bench<'a> {
    /// What sessions are run with; all of its sessions are.
    pub lab: &'a Lab<'a>,
    /// The kernel.
    pub kernel: &'a Kernel,
    /// The accelerator, and why that one.
    pub accelerator: String,
    /// How many pairs of a shared and a bare boot, at least 1.
    pub pairs: usize,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A guest or a session failed.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// There is nothing to measure.
    #[error("no session shares a boot: there is nothing to measure")]
    NothingShared,
    /// A guest that was shared did not last.
    #[error("session `{session}` spoiled the shared guest: its time says nothing")]
    Spoiled {
        /// The session.
        session: String,
    },
    /// A call that is timed was refused.
    #[error("session `{session}`, step `{step}`: {errno}, and a call that fails is not worth its time")]
    Refused {
        /// The session.
        session: String,
        /// The step.
        step: String,
        /// What the kernel said.
        errno: String,
    },
}

/// What is being measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A shared and a bare boot: which pair, of how many.
    Pair(usize, usize),
    /// Single calls.
    Calls,
    /// A boot of a whole run: which, of how many.
    Boot(usize, usize),
}
