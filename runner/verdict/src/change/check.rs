//! What the form of a change alone does not check: that it is whole, and that its statements agree.

use std::path::Path;

use scrubjay_session::file::{self, FileError};
use scrubjay_session::name;

use super::form::{Change, FORMAT, InSeries};
use crate::release::Release;

/// Digits of the shortest name of a commit that is taken for unique.
const SHORTEST: usize = 12;

/// Digits of a whole one.
const WHOLE: usize = 40;

impl Change {
    /// Checks what the form alone does not; `path` is where it is or will be.
    ///
    /// # Errors
    /// The place and the remedy.
    pub fn check(&self, path: &Path) -> Result<(), FileError> {
        let wrong = |place: &str, why: String| Err(FileError::sense(path, place, why));
        if self.format != FORMAT {
            return wrong("format", format!("`{}` is not `{FORMAT}`", self.format));
        }
        file::check_stem(path, &self.id)?;
        if let Some(why) = name::wrong_title(&self.title) {
            return wrong("title", why);
        }
        for (place, text) in [("reason", &self.reason), ("reference", &self.reference)] {
            if text.trim().is_empty() {
                return wrong(place, "a change needs a reason and a reference".into());
            }
        }
        self.check_commit(path)?;
        if let Some(cve) = self.cve.as_ref().filter(|cve| !is_cve(cve)) {
            return wrong(
                "cve",
                format!("`{}` is not a CVE number; write it as CVE-2026-23327", cve.escape_debug()),
            );
        }
        let mainline = self.mainline.release;
        is_tag(path, "mainline", mainline)?;
        if let Some(introduced) = &self.introduced {
            is_tag(path, "introduced", introduced.release)?;
            if introduced.release >= mainline {
                let why = format!(
                    "mainline has the bug since {} and its remedy since {mainline}; the bug comes first",
                    introduced.release
                );
                return wrong("introduced", why);
            }
        }
        self.series.iter().enumerate().try_for_each(|(at, known)| self.check_series(path, at, known))
    }

    fn check_commit(&self, path: &Path) -> Result<(), FileError> {
        let wrong = |place: &str, why: String| Err(FileError::sense(path, place, why));
        match (&self.commit, &self.no_commit) {
            (None, None) => {
                wrong("commit", "a change names its commit, or says why none can be named (no-commit)".into())
            }
            (Some(_), Some(_)) => {
                wrong("no-commit", "it names a commit; take out the one or the other".into())
            }
            (None, Some(why)) if why.trim().is_empty() => {
                wrong("no-commit", "say why no commit can be named".into())
            }
            (Some(commit), None) if !is_commit(&commit.id) => wrong("commit.id", no_commit(&commit.id)),
            (Some(commit), None) if commit.subject.trim().is_empty() => {
                wrong("commit.subject", "write the first line of the commit's message".into())
            }
            _ => Ok(()),
        }
    }

    fn check_series(&self, path: &Path, at: usize, known: &InSeries) -> Result<(), FileError> {
        let InSeries { series, lacks_to, has_from } = known;
        let wrong =
            |place: &str, why: String| Err(FileError::sense(path, format!("series[{at}]{place}"), why));
        if self.series[..at].iter().any(|other| other.series == *series) {
            return wrong(".series", format!("{series} stands here twice; say all of it in one place"));
        }
        let mainline = self.mainline.release;
        if *series >= mainline.series {
            let why = format!("{series} has it from mainline's {mainline}; take this series out");
            return wrong(".series", why);
        }
        for (place, said) in [(".lacks-to", lacks_to), (".has-from", has_from)] {
            if let Some(said) = said.as_ref().filter(|said| said.release.series != *series) {
                return wrong(
                    &format!("{place}.release"),
                    format!("{} is not a release of {series}", said.release),
                );
            }
        }
        match (lacks_to, has_from) {
            (None, None) => {
                wrong("", format!("it says nothing of {series}; write lacks-to or has-from, or take it out"))
            }
            (_, Some(has)) if has.release.is_mainline() => wrong(
                ".has-from.release",
                format!(
                    "mainline has it since {mainline} and not since {}; one of the two is wrong",
                    has.release
                ),
            ),
            (Some(lacks), Some(has)) if has.release <= lacks.release => wrong(
                ".has-from.release",
                format!(
                    "{} has it and {} lacks it; what is had later is not lost",
                    has.release, lacks.release
                ),
            ),
            _ => Ok(()),
        }
    }
}

fn is_tag(path: &Path, place: &str, release: Release) -> Result<(), FileError> {
    if release.is_mainline() {
        return Ok(());
    }
    let why = format!("{release} is not a tag of mainline; write it as 7.3 or 7.3-rc2");
    Err(FileError::sense(path, format!("{place}.release"), why))
}

/// What is told of an id that [`is_commit`] refuses.
pub(super) fn no_commit(id: &str) -> String {
    format!("`{}` is not a commit id; write {SHORTEST} to {WHOLE} hexadecimal digits", id.escape_debug())
}

pub(super) fn is_commit(id: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    (SHORTEST..=WHOLE).contains(&id.len()) && id.chars().all(digit)
}

fn is_cve(text: &str) -> bool {
    let digits = |part: &str| part.len() >= 4 && part.chars().all(|c| c.is_ascii_digit());
    text.strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(year, number)| year.len() == 4 && digits(year) && digits(number))
}
