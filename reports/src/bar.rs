//! How far a run is: one bar on standard error, only where that is a terminal.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scrubjay_host::words::plain;

use scrubjay_run::{Consumer, RunEvent};

/// The bar. Whoever else writes to the same terminal does so in [`Bar::aside`].
pub struct Bar(ProgressBar);

impl Bar {
    /// One that is seen where standard error is a terminal.
    pub fn for_stderr() -> Self {
        if !io::stderr().is_terminal() {
            return Bar::hidden();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg} [{wide_bar}] {pos}/{len} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.set_style(style);
        Bar(bar)
    }

    /// One that is never seen.
    pub fn hidden() -> Self {
        Bar(ProgressBar::hidden())
    }

    fn begin(&self, what: &str, kernel: &str, sessions: usize) {
        self.0.reset();
        self.0.set_length(sessions as u64);
        self.0.set_message(format!("{what} {}", plain(kernel)));
        self.0.enable_steady_tick(Duration::from_millis(500));
    }

    /// Does something while the bar is off the terminal.
    pub fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.suspend(work)
    }
}

impl Consumer for Bar {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        match event {
            RunEvent::ReferenceStarted { kernel, sessions } => self.begin("reference", kernel, *sessions),
            RunEvent::KernelStarted { kernel, sessions } => self.begin("kernel", kernel, *sessions),
            RunEvent::ReferencePerformed | RunEvent::SessionJudged { .. } => self.0.inc(1),
            RunEvent::KernelJudged { .. } | RunEvent::KernelFailed { .. } | RunEvent::RunFinished { .. } => {
                self.0.disable_steady_tick();
                self.0.finish_and_clear();
            }
            RunEvent::RunStarted { .. }
            | RunEvent::Note { .. }
            | RunEvent::ReportFailed { .. }
            | RunEvent::Waivers { .. } => {}
        }
        Ok(())
    }
}
