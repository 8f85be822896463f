//! One run of the benchmark, from a lab and a kernel to figures. Owns the order of things.

use crate::bench::{Bench, BenchError, Stage};
use crate::figures::{FORMAT, Figures, TARGETS};
use crate::{calls, everything, host, shared};

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
