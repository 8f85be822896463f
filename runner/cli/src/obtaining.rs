//! How far the fetching and building of kernels is: a bar for a terminal, plain lines for everything else.
//!
//! Writes to standard error only.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scrubjay_host::words;
use scrubjay_kernels::{Phase, PlainLines, Progress, Unit};

/// A bar where standard error is a terminal, plain lines otherwise.
pub fn for_stderr() -> Box<dyn Progress> {
    let stderr = io::stderr();
    if stderr.is_terminal() { Box::new(Bar::default()) } else { Box::new(PlainLines::new(stderr)) }
}

/// A bar that redraws itself, for a terminal.
#[derive(Debug, Default)]
struct Bar {
    bar: Option<ProgressBar>,
}

impl Progress for Bar {
    fn start(&mut self, phase: &Phase<'_>) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
        let template = match (phase.unit, phase.total) {
            (Unit::Bytes, Some(_)) => "{msg} [{wide_bar}] {bytes}/{total_bytes} {eta}",
            (Unit::Bytes, None) => "{msg} {spinner} {bytes}",
            (Unit::Lines, Some(_)) => "{msg} [{wide_bar}] {percent}% {elapsed}",
            (Unit::Lines, None) => "{msg} {spinner} {elapsed}",
        };
        // The templates are constants of ours; a bad one would only cost the look.
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(phase.total, ProgressDrawTarget::stderr());
        bar.set_style(style);
        bar.set_message(words::plain(phase.what));
        self.bar = Some(bar);
    }

    fn advance(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            // An estimate that was too small must not look like an end.
            if bar.length().is_some_and(|length| done > length) {
                bar.set_length(done);
            }
            bar.set_position(done);
        }
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            if let Some(length) = bar.length() {
                bar.set_position(length);
            }
            bar.finish();
        }
    }

    fn note(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(words::plain(line)),
            None => words::say(line),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }
}
