//! Every error that the command can end with, its exit status, and its words.
//!
//! [`Failure`] is the one table from errors to statuses. An error of a crate gets into it by a variant of
//! its own, so a new one does not compile before it is said here what it means. Told on standard error by
//! [`tell`], and nowhere else.

use std::io;

use scrubjay_bench::BenchError;
use scrubjay_host::{OutputError, UnwrittenError, interrupt, words};
use scrubjay_kernels::{
    ArchiveError, AskedError, ConfigError, ImageError, KernelError, ManifestError, RecipeError, SeriesError,
    WorkshopError,
};
use scrubjay_machine::{AccelError, LimitError, QemuError};
use scrubjay_mutants::apply::ApplyError;
use scrubjay_mutants::{ControlError, MutantError};
use scrubjay_reports::merge::MergeError;
use scrubjay_run::ExitStatus;
use scrubjay_session::FileError;
use scrubjay_session::cxl::profile::UnknownProfile;
use scrubjay_verdict::library::LibraryError;
use scrubjay_verdict::review::ReviewError;
use scrubjay_verdict::{FeatureError, PolicyError, RuleError, WaiverError};
use scrubjay_what_if::DecisionError;

/// What a part of the command gives.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Wrong usage that the table of arguments cannot tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// What stood in the way of testing, said already in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Untested(pub String);

/// Why the command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum Failure {
    /// What the user wrote.
    Usage(#[from] Usage),
    /// A place that the user named for a report.
    Output(#[from] OutputError),
    /// `SCRUBJAY_ACCEL`.
    Accel(#[from] AccelError),
    /// `SCRUBJAY_GUEST_MIB`.
    Limit(#[from] LimitError),
    /// A file of the vectors, read or written.
    File(#[from] FileError),
    /// A device profile.
    Profile(#[from] UnknownProfile),
    /// The vectors, held against each other.
    Library(#[from] LibraryError),
    /// A recording that cannot be accepted so.
    Review(#[from] ReviewError),
    /// Shards that are no run together.
    Merge(#[from] MergeError),
    /// A rule, compiled in.
    Rule(#[from] RuleError),
    /// The waivers.
    Waiver(#[from] WaiverError),
    /// A policy of the user's own.
    Policy(#[from] PolicyError),
    /// What the user wrote for a kernel.
    Asked(#[from] AskedError),
    /// A kernel's manifest.
    Manifest(#[from] ManifestError),
    /// A mutant's file.
    Mutant(#[from] MutantError),
    /// An image that the user named.
    Image(#[from] ImageError),
    /// A kernel that cannot be had.
    Kernel(#[from] KernelError),
    /// A module that cannot be built.
    Workshop(#[from] WorkshopError),
    /// A kernel that no mutant can be told from.
    Control(#[from] ControlError),
    /// A Feature that there is not.
    Feature(#[from] FeatureError),
    /// A decision that cannot be tried.
    Decision(#[from] DecisionError),
    /// Figures that cannot be had.
    Bench(#[from] BenchError),
    /// No QEMU that will do.
    Qemu(#[from] QemuError),
    /// A report that was lost at its end.
    Unwritten(#[from] UnwrittenError),
    /// Told in words.
    Untested(#[from] Untested),
    /// Standard output, a terminal, signals.
    Io(#[from] io::Error),
    /// A text that cannot be made: a mistake of ours.
    Json(#[from] serde_json::Error),
    /// The same.
    Text(#[from] std::fmt::Error),
    /// The same.
    Unicode(#[from] std::string::FromUtf8Error),
}

impl Failure {
    /// How the command ends with it: what the user or a file got wrong is 2; what stood in the way of
    /// testing is 3. An error of a process that a signal ends comes of that.
    pub fn status(&self) -> ExitStatus {
        use ExitStatus::{Interrupted, Untested, Usage};
        if let Some(signal) = interrupt::caught() {
            return Interrupted(signal);
        }
        match self {
            Failure::Usage(_)
            | Failure::Output(_)
            | Failure::Accel(_)
            | Failure::Limit(_)
            | Failure::Profile(_)
            | Failure::Merge(_)
            | Failure::Rule(_)
            | Failure::Waiver(_)
            | Failure::Policy(_)
            | Failure::Manifest(_)
            | Failure::Mutant(_)
            | Failure::Feature(_)
            | Failure::Image(_) => Usage,
            Failure::File(error) | Failure::Library(LibraryError::File(error)) => of_file(error),
            Failure::Review(error) => match error {
                ReviewError::File(error) => of_file(error),
                ReviewError::NoGolden { .. }
                | ReviewError::NoGrounds { .. }
                | ReviewError::Stale { .. }
                | ReviewError::Carries { .. } => Usage,
            },
            Failure::Asked(AskedError::Series(error)) => of_series(error),
            Failure::Asked(_) => Usage,
            Failure::Kernel(error) => of_kernel(error),
            Failure::Workshop(error) => of_workshop(error),
            Failure::Control(error) => match error {
                ControlError::Build { source, .. } => of_workshop(source),
                ControlError::NotClean { .. } => Untested,
            },
            Failure::Decision(error) => of_decision(error),
            Failure::Bench(error) => match error {
                BenchError::NothingShared => Usage,
                BenchError::Watch(_) | BenchError::Spoiled { .. } | BenchError::Refused { .. } => Untested,
            },
            Failure::Qemu(_)
            | Failure::Unwritten(_)
            | Failure::Untested(_)
            | Failure::Io(_)
            | Failure::Json(_)
            | Failure::Text(_)
            | Failure::Unicode(_) => Untested,
        }
    }
}

/// A file is the user's; that there is no room to write it is the machine's.
fn of_file(error: &FileError) -> ExitStatus {
    match error {
        FileError::Io { source, .. } => match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                ExitStatus::Untested
            }
            _ => ExitStatus::Usage,
        },
        FileError::NotRegular { .. }
        | FileError::TooLong { .. }
        | FileError::Form { .. }
        | FileError::Sense { .. } => ExitStatus::Usage,
    }
}

fn of_config(error: &ConfigError) -> ExitStatus {
    match error {
        ConfigError::Read { .. }
        | ConfigError::Line { .. }
        | ConfigError::Twice { .. }
        | ConfigError::NoEffect { .. }
        | ConfigError::Stale { .. } => ExitStatus::Usage,
    }
}

fn of_kernel(error: &KernelError) -> ExitStatus {
    match error {
        KernelError::Config { source, .. } => of_config(source),
        KernelError::Recipe(RecipeError::Config(source)) => of_config(source),
        KernelError::Series(error) => of_series(error),
        // Directories, packages and images that the user or a manifest names.
        KernelError::Recipe(RecipeError::Tree { .. })
        | KernelError::Recipe(RecipeError::Git(_))
        | KernelError::Image(_)
        | KernelError::Tree { .. }
        | KernelError::Packages { .. }
        | KernelError::Archive(ArchiveError::NotOffered { .. })
        | KernelError::NoKernelCache { .. } => ExitStatus::Usage,
        KernelError::Recipe(RecipeError::Compiler { .. })
        | KernelError::Cache(_)
        | KernelError::Git(_)
        | KernelError::Fetch(_)
        | KernelError::Unpack(_)
        | KernelError::Archive(_)
        | KernelError::Module { .. }
        | KernelError::Sign { .. }
        | KernelError::MissingTools { .. }
        | KernelError::NoRoom { .. }
        | KernelError::Make { .. }
        | KernelError::RunMake { .. }
        | KernelError::Changed { .. }
        | KernelError::Damaged { .. }
        | KernelError::NoSource { .. }
        // Of a signal, which was looked for above.
        | KernelError::Interrupted => ExitStatus::Untested,
    }
}

/// A series is the user's; that git or the disk does not do its part is the machine's.
fn of_series(error: &SeriesError) -> ExitStatus {
    match error {
        SeriesError::Read { .. }
        | SeriesError::Empty { .. }
        | SeriesError::NoMail { .. }
        | SeriesError::DoesNotApply { .. } => ExitStatus::Usage,
        SeriesError::Scratch { .. } | SeriesError::Git(_) => ExitStatus::Untested,
    }
}

fn of_workshop(error: &WorkshopError) -> ExitStatus {
    match error {
        WorkshopError::NoTree { .. } | WorkshopError::NoSource { .. } | WorkshopError::NoModule { .. } => {
            ExitStatus::Usage
        }
        WorkshopError::Cache(_)
        | WorkshopError::Make { .. }
        | WorkshopError::Sign(_)
        | WorkshopError::Program { .. }
        | WorkshopError::Interrupted => ExitStatus::Untested,
    }
}

fn of_decision(error: &DecisionError) -> ExitStatus {
    match error {
        DecisionError::Nothing
        | DecisionError::Both(_)
        | DecisionError::Blocked(_)
        | DecisionError::NotBlocked(_)
        | DecisionError::NoList(_) => ExitStatus::Usage,
        DecisionError::Apply(error) => match error {
            ApplyError::Failed { .. } | ApplyError::NoMatch { .. } => ExitStatus::Usage,
            ApplyError::Run { .. } | ApplyError::Io { .. } => ExitStatus::Untested,
        },
        DecisionError::Workshop(error) => of_workshop(error),
        DecisionError::Io(_) => ExitStatus::Untested,
    }
}

/// Tells an error, and what led to it, on standard error; says how to exit.
pub fn tell(error: &Failure) -> ExitStatus {
    let status = error.status();
    if !matches!(status, ExitStatus::Interrupted(_)) {
        words::say(format!("scrubjay: {}", told(error)));
    }
    status
}

/// An error and its causes, each on a line; what a line says already is not said again. What has lines of
/// its own is set in, so that nothing in it looks like a word of ours.
pub fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !told.contains(&said) {
            told.push_str("\nbecause: ");
            told.push_str(&said);
        }
        next = cause.source();
    }
    told.replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn sense() -> FileError {
        FileError::sense("s.json".as_ref(), "id", "wrong")
    }

    fn full() -> FileError {
        FileError::Io { path: "g.json".into(), source: io::ErrorKind::StorageFull.into() }
    }

    fn fragment() -> ConfigError {
        ConfigError::Line { path: "k.config".into(), line: 1, text: "x".into() }
    }

    #[rstest]
    #[case::usage(Usage("x".into()).into(), 2)]
    #[case::a_place_that_cannot_be_written(scrubjay_host::Output::at("/".as_ref()).unwrap_err().into(), 2)]
    #[case::a_bad_file(sense().into(), 2)]
    #[case::a_bad_file_of_the_library(LibraryError::from(sense()).into(), 2)]
    #[case::a_golden_without_room(full().into(), 3)]
    #[case::a_review_without_room(ReviewError::from(full()).into(), 3)]
    #[case::a_bad_rule(RuleError { stem: "r".into(), line: 1, why: "w".into() }.into(), 2)]
    #[case::no_such_kernel(
        ManifestError::Unknown { id: "9".into(), dir: "kernels".into(), known: "7.3".into() }.into(), 2)]
    #[case::no_kernel_cache(KernelError::NoKernelCache { path: "no".into() }.into(), 2)]
    #[case::a_bad_fragment(KernelError::Config { id: "7.3".into(), source: fragment() }.into(), 2)]
    #[case::a_bad_fragment_of_a_recipe(KernelError::Recipe(fragment().into()).into(), 2)]
    #[case::no_build_tools(KernelError::MissingTools { id: "7.3".into(), tools: vec!["make"] }.into(), 3)]
    #[case::a_full_disk(io::Error::from(io::ErrorKind::StorageFull).into(), 3)]
    fn an_error_decides_how_the_command_ends(#[case] error: Failure, #[case] expected: u8) {
        assert_eq!(error.status().number(), expected);
    }

    #[test]
    fn a_cause_is_told_once_and_nothing_in_it_looks_like_a_word_of_ours() {
        let source = KernelError::Config { id: "7.3".into(), source: fragment() };
        assert_eq!(
            told(&Failure::from(source)),
            "kernel 7.3 cannot be configured\n  because: k.config:1: `x` is no kernel option; write \
             CONFIG_NAME=value or # CONFIG_NAME is not set"
        );
        assert_eq!(
            told(&Usage("no session `a\nscrubjay: all is well`".into())),
            "no session `a\n  scrubjay: all is well`"
        );
    }
}
