//! From an error to its words and its exit status.

use scrubjay_kernels::{KernelError, ManifestError};
use scrubjay_machine::AccelError;
use scrubjay_mutants::MutantError;
use scrubjay_run::ExitStatus;
use scrubjay_session::FileError;
use scrubjay_session::cxl::profile::ProfileError;
use scrubjay_verdict::library::LibraryError;
use scrubjay_verdict::review::ReviewError;
use scrubjay_verdict::{RuleError, WaiverError};
use tracing_subscriber::filter::LevelFilter;

/// Wrong usage that the table of arguments cannot tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Has what the crates say of their work told on standard error.
pub fn listen(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    subscriber.without_time().with_target(verbose > 1).init();
}

/// Tells an error, and what led to it, on standard error; says how to exit.
pub fn tell(error: &anyhow::Error) -> ExitStatus {
    let status = status_of(error);
    if status != ExitStatus::Interrupted {
        eprintln!("scrubjay: {}", words(error));
    }
    status
}

/// An error and its causes, each on a line; what a line says already is not said again.
pub fn words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !words.contains(&cause) {
            words.push_str("\n  because: ");
            words.push_str(&cause);
        }
    }
    words
}

/// How the command ends with an error: what the user or a file got wrong is 2; what stood in the
/// way of testing is 3.
pub fn status_of(error: &anyhow::Error) -> ExitStatus {
    let usage = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<Usage>()
            || cause.is::<FileError>()
            || cause.is::<ProfileError>()
            || cause.is::<LibraryError>()
            || cause.is::<ReviewError>()
            || cause.is::<RuleError>()
            || cause.is::<WaiverError>()
            || cause.is::<ManifestError>()
            || cause.is::<MutantError>()
            || cause.is::<AccelError>()
            || cause.is::<scrubjay_kernels::ImageError>()
            || matches!(cause.downcast_ref(), Some(KernelError::Image(_) | KernelError::Config { .. }))
    };
    let interrupted = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref(), Some(KernelError::Interrupted))
    };
    match () {
        () if error.chain().any(interrupted) => ExitStatus::Interrupted,
        () if error.chain().any(usage) => ExitStatus::Usage,
        () => ExitStatus::Untested,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::usage(Usage("x".into()).into(), 2)]
    #[case::a_bad_file(FileError::sense("s.json".as_ref(), "id", "wrong").into(), 2)]
    #[case::a_bad_file_of_the_library(
        LibraryError::from(FileError::sense("s.json".as_ref(), "id", "wrong")).into(), 2)]
    #[case::a_bad_rule(RuleError { stem: "r".into(), line: 1, why: "w".into() }.into(), 2)]
    #[case::no_such_kernel(
        ManifestError::Unknown { id: "9".into(), dir: "kernels".into(), known: "7.3".into() }.into(), 2)]
    #[case::no_build_tools(KernelError::MissingTools { id: "7.3".into(), tools: vec!["make"] }.into(), 3)]
    #[case::interrupted(KernelError::Interrupted.into(), 130)]
    #[case::anything_else(anyhow::anyhow!("a full disk"), 3)]
    fn an_error_decides_how_the_command_ends(#[case] error: anyhow::Error, #[case] expected: u8) {
        assert_eq!(status_of(&error).number(), expected);
        assert_eq!(status_of(&error.context("while looking")).number(), expected);
    }

    #[test]
    fn a_cause_is_told_once() {
        let io = std::io::Error::other("no space left");
        let error = anyhow::Error::new(io).context("run.json: no space left").context("the report");
        assert_eq!(words(&error), "the report\n  because: run.json: no space left");
        let error = Err::<(), _>(anyhow::anyhow!("deep")).context("shallow").unwrap_err();
        assert_eq!(words(&error), "shallow\n  because: deep");
    }
}
