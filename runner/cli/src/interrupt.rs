//! Ctrl-C while kernels are fetched and built: that work stops by itself and clears up.
//!
//! From the first guest on, [`scrubjay_machine::cleanup_on_signals`] has the last word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use scrubjay_kernels::{Cancellable, KernelError, Progress};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::obtaining;

/// A flag that signals raise.
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens to SIGINT, SIGTERM and SIGHUP. A second signal ends the process where it is.
    pub fn listen() -> anyhow::Result<Self> {
        let raised = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&raised))
                .and_then(|_| flag::register(signal, Arc::clone(&raised)))
                .context("cannot listen to signals")?;
        }
        Ok(Interrupt(raised))
    }

    /// Progress on standard error that stops when a signal came.
    pub fn progress(&self) -> impl Progress + use<> {
        Cancellable::new(obtaining::for_stderr(), Arc::clone(&self.0))
    }

    /// An error once a signal came.
    pub fn check(&self) -> Result<(), KernelError> {
        if self.0.load(Ordering::Relaxed) { Err(KernelError::Interrupted) } else { Ok(()) }
    }
}
