//! One run of the benchmark, from a lab and a kernel to figures. Owns the order of things.

use scrubjay_engine::watched::WatchError;
use scrubjay_engine::{Kernel, Lab};

use crate::figures::{FORMAT, Figures, TARGETS};
use crate::{calls, everything, host, shared};

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

impl Bench<'_> {
    /// Measures everything.
    ///
    /// # Errors
    /// The first thing that failed.
    pub fn run(&self, tell: &mut dyn FnMut(Stage)) -> Result<Figures, BenchError> {
        let watch = host::Watch::start();
        let (release, shared) = shared::measure(self, tell)?;
        tell(Stage::Calls);
        let calls = calls::measure(self)?;
        let everything = everything::measure(self, tell)?;
        Ok(Figures {
            format: FORMAT.to_owned(),
            kernel: self.kernel.id.clone(),
            release,
            qemu: self.lab.qemu.to_string(),
            accelerator: self.accelerator.clone(),
            vcpus: self.lab.vcpus,
            host: watch.stop(),
            targets: TARGETS,
            shared,
            calls,
            everything,
            memory: host::memory(),
        })
    }
}
