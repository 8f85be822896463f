//! How long work reports itself: one trait, and plain lines for a log.
//!
//! Draws nothing; decides nothing but whether to go on.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scrubjay_host::words;

/// What a phase counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes; the total, where given, is exact.
    Bytes,
    /// Lines of a build's output; the total is an estimate.
    Lines,
}

/// One phase of the work.
#[derive(Debug, Clone, Copy)]
pub struct Phase<'a> {
    /// What is done, to what: `download linux-source-7.3_….deb`.
    pub what: &'a str,
    /// What is counted.
    pub unit: Unit,
    /// How much there is, where known.
    pub total: Option<u64>,
}

/// Receives the progress of fetching and building.
///
/// The order of calls: [`Progress::start`], any number of [`Progress::advance`] with a value that does not fall,
/// [`Progress::finish`]; phases follow one another and never overlap. A phase that fails is not finished; the next
/// `start` or the drop ends it. [`Progress::note`] may come at any time. [`Progress::cancelled`] is asked several
/// times a second; once it is true, the work stops, clears up after itself and returns
/// [`KernelError::Interrupted`](crate::KernelError::Interrupted).
pub trait Progress {
    /// A phase begins.
    fn start(&mut self, phase: &Phase<'_>);
    /// So much of the phase is done.
    fn advance(&mut self, done: u64);
    /// The phase ended well.
    fn finish(&mut self);
    /// A line for the reader, outside any count.
    fn note(&mut self, line: &str);
    /// Whether to stop.
    fn cancelled(&self) -> bool {
        false
    }
}

impl<P: Progress + ?Sized> Progress for Box<P> {
    fn start(&mut self, phase: &Phase<'_>) {
        (**self).start(phase);
    }
    fn advance(&mut self, done: u64) {
        (**self).advance(done);
    }
    fn finish(&mut self) {
        (**self).finish();
    }
    fn note(&mut self, line: &str) {
        (**self).note(line);
    }
    fn cancelled(&self) -> bool {
        (**self).cancelled()
    }
}

/// Says nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn start(&mut self, _: &Phase<'_>) {}
    fn advance(&mut self, _: u64) {}
    fn finish(&mut self) {}
    fn note(&mut self, _: &str) {}
}

/// Hands on notes and the wish to stop, and no phase: for what is too short for a bar.
pub(crate) struct Quiet<'a>(pub(crate) &'a mut dyn Progress);

impl Progress for Quiet<'_> {
    fn start(&mut self, _: &Phase<'_>) {}
    fn advance(&mut self, _: u64) {}
    fn finish(&mut self) {}
    fn note(&mut self, line: &str) {
        self.0.note(line);
    }
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Any progress, with a flag that stops the work: what a signal handler sets.
#[derive(Debug)]
pub struct Cancellable<P> {
    inner: P,
    flag: Arc<AtomicBool>,
}

impl<P: Progress> Cancellable<P> {
    /// Stops when the flag becomes true.
    pub fn new(inner: P, flag: Arc<AtomicBool>) -> Self {
        Self { inner, flag }
    }
}

impl<P: Progress> Progress for Cancellable<P> {
    fn start(&mut self, phase: &Phase<'_>) {
        self.inner.start(phase);
    }
    fn advance(&mut self, done: u64) {
        self.inner.advance(done);
    }
    fn finish(&mut self) {
        self.inner.finish();
    }
    fn note(&mut self, line: &str) {
        self.inner.note(line);
    }
    fn cancelled(&self) -> bool {
        self.flag.load(Ordering::Relaxed) || self.inner.cancelled()
    }
}

/// A line at a phase's start, at each quarter and at its end: for logs.
#[derive(Debug)]
pub struct PlainLines<W> {
    out: W,
    what: String,
    unit: Unit,
    total: Option<u64>,
    done: u64,
    quarter: u64,
}

impl<W: Write> PlainLines<W> {
    /// Writes to `out`; errors in writing are not the work's business and are dropped.
    pub fn new(out: W) -> Self {
        Self { out, what: String::new(), unit: Unit::Lines, total: None, done: 0, quarter: 0 }
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}", words::plain(text));
    }

    fn amount(&self, count: u64) -> String {
        match self.unit {
            Unit::Bytes => format!("{:.1} MiB", count as f64 / f64::from(1 << 20)),
            Unit::Lines => format!("{count} lines"),
        }
    }
}

impl<W: Write> Progress for PlainLines<W> {
    fn start(&mut self, phase: &Phase<'_>) {
        (self.what, self.unit, self.total) = (phase.what.to_owned(), phase.unit, phase.total);
        (self.done, self.quarter) = (0, 0);
        let line = match (phase.unit, phase.total) {
            (Unit::Bytes, Some(total)) => format!("{}: {}", phase.what, self.amount(total)),
            _ => phase.what.to_owned(),
        };
        self.line(&line);
    }

    fn advance(&mut self, done: u64) {
        self.done = done;
        let Some(total) = self.total.filter(|&total| total > 0) else { return };
        let quarter = (done.saturating_mul(4) / total).min(3);
        if quarter > self.quarter {
            self.quarter = quarter;
            let line = format!("{}: {} %", self.what, quarter * 25);
            self.line(&line);
        }
    }

    fn finish(&mut self) {
        let line = format!("{}: done, {}", self.what, self.amount(self.done));
        self.line(&line);
    }

    fn note(&mut self, line: &str) {
        self.line(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(work: impl FnOnce(&mut PlainLines<&mut Vec<u8>>)) -> Vec<String> {
        let mut out = Vec::new();
        work(&mut PlainLines::new(&mut out));
        String::from_utf8(out).expect("text").lines().map(str::to_owned).collect()
    }

    #[test]
    fn plain_lines_say_each_quarter_once() {
        let lines = lines_of(|progress| {
            progress.start(&Phase { what: "build", unit: Unit::Lines, total: Some(100) });
            for done in 0..=110 {
                progress.advance(done);
            }
            progress.finish();
        });
        assert_eq!(lines, ["build", "build: 25 %", "build: 50 %", "build: 75 %", "build: done, 110 lines"]);
    }

    #[test]
    fn a_set_flag_is_a_cancelled_progress() {
        let flag = Arc::new(AtomicBool::new(false));
        let progress = Cancellable::new(Silent, Arc::clone(&flag));
        assert!(!progress.cancelled());
        flag.store(true, Ordering::Relaxed);
        assert!(progress.cancelled());
    }
}
