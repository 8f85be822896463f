//! A signal while kernels are fetched and built: that work stops by itself and clears up.
//!
//! Where this is not held, [`scrubjay_host::interrupt`] ends everything at once.

use std::sync::atomic::Ordering;

use scrubjay_host::interrupt::{self, Orderly};
use scrubjay_kernels::{Cancellable, KernelError, Progress};

use crate::obtaining::for_stderr;

/// Held while such work is done.
pub struct Interrupt(Orderly);

impl Interrupt {
    /// Begins it.
    pub fn listen() -> Self {
        Interrupt(interrupt::orderly())
    }

    /// Progress on standard error that stops when a signal came.
    pub fn progress(&self) -> impl Progress + use<> {
        Cancellable::new(for_stderr(), self.0.raised())
    }

    /// An error once a signal came.
    pub fn check(&self) -> Result<(), KernelError> {
        if self.0.raised().load(Ordering::SeqCst) { Err(KernelError::Interrupted) } else { Ok(()) }
    }

    /// Ends it: from now on a signal ends everything at once.
    ///
    /// # Errors
    /// A signal came before.
    pub fn done(self) -> Result<(), KernelError> {
        self.0.done().map_err(|_| KernelError::Interrupted)
    }
}
