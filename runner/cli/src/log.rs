//! What the crates say of their work, on standard error: their own words, harmless, and no reason to stop.

use std::io::{self, Write};

use scrubjay_host::words;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// The targets that are told: what a library says to itself is no word of ours.
const OURS: &str = "scrubjay";

/// Has it told, the more the oftener `-v` was given. Never in colour: a log is read where it is kept.
pub fn listen(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = fmt::layer()
        .with_ansi(false)
        .without_time()
        .with_target(verbose > 1)
        .log_internal_errors(false)
        .with_writer(|| Stderr);
    let ours = Targets::new().with_target(OURS, level);
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}

/// Standard error, which may be gone.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        words::say(String::from_utf8_lossy(text).trim_end_matches('\n'));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
