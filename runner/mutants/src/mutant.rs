//! What a mutant is, and what can be wrong with its file.
//!
//! Holds the meaning; the form of the head is in `head`. Applies and builds nothing.

use std::path::PathBuf;

use scrubjay_kernels::Release;
use scrubjay_verdict::rule::id;

/// One seeded change of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The file's stem.
    pub id: String,
    /// The semantic patch, whose first lines are the head.
    pub path: PathBuf,
    /// What is different afterwards, in one line.
    pub title: String,
    /// Whether anything is to be found, and by which rule.
    pub kind: Kind,
    /// The one source that it changes, below the kernel's tree.
    pub file: PathBuf,
    /// Sessions that it needs beside those of the shared boots.
    pub sessions: Vec<String>,
    /// The first release that it has a meaning on.
    pub since: Option<Release>,
    /// The last release that it has a meaning on.
    pub until: Option<Release>,
    /// Why a developer could have made this change.
    pub why: String,
}

/// What a mutant is to the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It breaks the ABI.
    Break {
        /// The rule that has to flag it.
        rule: String,
    },
    /// It takes a change of the kernel's history out again.
    Revert {
        /// The change that has to be missed, by name.
        change: String,
    },
    /// It changes nothing that anybody could notice.
    Harmless,
}

impl Kind {
    /// The rule that has to flag it; none where nothing may.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Break { rule } => Some(rule),
            Self::Revert { .. } => Some(id::REGRESSED),
            Self::Harmless => None,
        }
    }

    /// The change that it takes out.
    pub fn change(&self) -> Option<&str> {
        match self {
            Self::Revert { change } => Some(change),
            Self::Break { .. } | Self::Harmless => None,
        }
    }

    /// The name that users read.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Break { .. } => "break",
            Self::Revert { .. } => "revert",
            Self::Harmless => "harmless",
        }
    }
}

impl Mutant {
    /// Why it has no meaning on a release; `None` where it has one.
    pub fn excluded_from(&self, release: Release) -> Option<String> {
        let before = self.since.filter(|since| release < *since);
        let after = self.until.filter(|until| release > *until);
        before
            .map(|since| format!("no meaning before {since}"))
            .or_else(|| after.map(|until| format!("no meaning after {until}")))
    }
}

/// What is wrong with a mutant.
#[derive(Debug, thiserror::Error)]
pub enum MutantError {
    /// A file or the directory cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is none.
    #[error("no mutant (*.cocci) in {}", dir.display())]
    Empty {
        /// The directory.
        dir: PathBuf,
    },
    /// The head says something that it cannot say.
    #[error("{}:{line}: {what}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what to write instead.
        what: String,
    },
}

#[cfg(test)]
pub(crate) mod tests {
    use rstest::rstest;

    use super::*;

    /// A mutant that is tried on every release.
    pub(crate) fn mutant(id: &str, kind: Kind) -> Mutant {
        Mutant {
            id: id.into(),
            path: format!("{id}.cocci").into(),
            title: "t".into(),
            kind,
            file: "drivers/fwctl/main.c".into(),
            sessions: Vec::new(),
            since: None,
            until: None,
            why: "w".into(),
        }
    }

    #[rstest]
    #[case(Some("7.2"), None, "7.1", Some("no meaning before 7.2"))]
    #[case(Some("7.2"), None, "7.2", None)]
    #[case(None, Some("7.1"), "7.1", None)]
    #[case(None, Some("7.1"), "7.10", Some("no meaning after 7.1"))]
    fn a_mutant_knows_the_releases_that_it_has_a_meaning_on(
        #[case] since: Option<&str>,
        #[case] until: Option<&str>,
        #[case] release: &str,
        #[case] excluded: Option<&str>,
    ) {
        let release_of = |text: &str| text.parse().expect("a release");
        let (since, until) = (since.map(release_of), until.map(release_of));
        let mutant = Mutant { since, until, ..mutant("m", Kind::Harmless) };
        assert_eq!(mutant.excluded_from(release_of(release)).as_deref(), excluded);
    }
}
