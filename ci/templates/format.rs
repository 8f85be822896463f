//! A run as @ID@.

use std::io::{self, Write};

use scrubjay_run::{Consumer, RunEvent};

/// Writes a run as @ID@.
pub struct NewFormat<W>(W);

impl<W: Write> NewFormat<W> {
    /// One that writes to `out`.
    pub fn new(out: W) -> Self {
        Self(out)
    }
}

impl<W: Write> Consumer for NewFormat<W> {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        match event {
            RunEvent::SessionJudged { kernel, verdict, .. } => {
                writeln!(self.0, "{kernel} {}", verdict.session)
            }
            RunEvent::RunFinished { .. } => self.0.flush(),
            _ => Ok(()),
        }
    }
}
