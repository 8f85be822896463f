//! Waivers: findings that are let through on purpose, and for a time. Reads no clock: whoever asks
//! says what day it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use schemars::JsonSchema;
use scrubjay_session::Sessions;
use scrubjay_session::file::{self, FileError};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::finding::{Finding, WHOLE_KERNEL, Waived};
use crate::judge::{KernelVerdict, SessionVerdict};
use crate::rule::id;

/// The form that this program reads.
pub const FORMAT: &str = "scrubjay.waivers/1";

/// Where a root's waivers are, below it; a root without the file has none.
pub const DEFAULT: &str = "vectors/waivers.toml";

/// A finding that is let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The finding's: rule, session, step, field, accepted and seen value are in it.
    pub fingerprint: String,
    /// The finding's session, [`WHOLE_KERNEL`] for a finding of a whole kernel.
    pub session: String,
    /// Where it holds: ids of kernels, and ranges of releases such as `7.2..=7.3`, `7.2..` or `..=7.1`.
    pub kernels: Vec<String>,
    /// Why it is let through.
    pub reason: String,
    /// Commit, thread or ticket.
    pub reference: String,
    /// The last day on which it holds, in UTC.
    #[schemars(with = "String")]
    pub expires: Date,
}

/// What a waiver came to in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverUse {
    /// The waiver.
    pub waiver: Waiver,
    /// What it came to.
    pub state: WaiverState,
    /// The kernels that gave the finding, whether it was waived or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_on: Vec<String>,
}

/// What a waiver came to in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    /// It let a finding through.
    Applied,
    /// Its last day is over: it lets nothing through.
    Expired,
    /// Its session was performed on a kernel that it holds for, and did not give the finding.
    Unmatched,
    /// Its session was not performed on any kernel that it holds for.
    Untried,
}

/// Why waivers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WaiverError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something in it is wrong.
    #[error("{path}:{line}: {what}")]
    Bad {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What, and the remedy.
        what: String,
    },
}

/// The waivers of a run.
#[derive(Clone, Debug, Default)]
pub struct Waivers {
    entries: Vec<Entry>,
    /// How many sessions there are: fewer can say little of a kernel as a whole.
    sessions: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    waiver: Waiver,
    scopes: Vec<Scope>,
    /// Whether its last day is over.
    expired: bool,
}

/// Kernels that a waiver holds for. Releases are `major.minor`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    Id(String),
    Releases { from: Option<(u32, u32)>, to: Option<(u32, u32)> },
}

impl Waivers {
    /// Reads a file of waivers. `is_kernel` says whether the catalogue has a kernel of that id.
    ///
    /// # Errors
    /// The file, the line and the remedy: a form that is not as it should be, no or a wrong expiry
    /// date, a session or kernel that there is not, two waivers for one finding.
    pub fn load(
        path: &Path,
        today: Date,
        sessions: &Sessions,
        is_kernel: &dyn Fn(&str) -> bool,
    ) -> Result<Self, WaiverError> {
        let text = file::read_text(path, file::LONGEST)?;
        let reader = Reader { path, text: &text, today, sessions, is_kernel };
        let entries = reader.entries()?;
        Ok(Waivers { entries, sessions: sessions.len() })
    }

    /// Those of a run that is kept, as they stood on its day.
    pub fn of_kept(uses: &[WaiverUse], sessions: &Sessions) -> Self {
        let entry = |used: &WaiverUse| Entry {
            waiver: used.waiver.clone(),
            scopes: used.waiver.kernels.iter().filter_map(|text| Scope::read(text).ok()).collect(),
            expired: used.state == WaiverState::Expired,
        };
        Waivers { entries: uses.iter().map(entry).collect(), sessions: sessions.len() }
    }

    /// Reads the waivers of a root, if it has any.
    ///
    /// # Errors
    /// As [`Waivers::load`].
    pub fn load_default(
        root: &Path,
        today: Date,
        sessions: &Sessions,
        is_kernel: &dyn Fn(&str) -> bool,
    ) -> Result<Self, WaiverError> {
        let path = root.join(DEFAULT);
        if path.exists() { Self::load(&path, today, sessions, is_kernel) } else { Ok(Waivers::default()) }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Marks the findings that are waived on this kernel. A gap of this suite cannot be.
    pub fn apply<'f>(
        &self,
        kernel: &str,
        release: &str,
        findings: impl IntoIterator<Item = &'f mut Finding>,
    ) {
        let holding = self.entries.iter().filter(|e| !e.expired && e.holds_for(kernel, release));
        let holding: BTreeMap<&str, &Waiver> =
            holding.map(|e| (e.waiver.fingerprint.as_str(), &e.waiver)).collect();
        for finding in findings.into_iter().filter(|f| f.rule != id::UNCLASSIFIED) {
            let waiver = holding.get(finding.fingerprint.as_str()).filter(|w| w.session == finding.session);
            finding.waived = waiver.map(|waiver| Waived {
                reason: waiver.reason.clone(),
                reference: waiver.reference.clone(),
                expires: waiver.expires,
            });
        }
    }

    /// What each waiver came to in a run that gave these verdicts.
    pub fn uses(&self, verdicts: &[KernelVerdict]) -> Vec<WaiverUse> {
        self.entries.iter().map(|entry| self.used(entry, verdicts)).collect()
    }

    fn used(&self, entry: &Entry, verdicts: &[KernelVerdict]) -> WaiverUse {
        let Entry { waiver, .. } = entry;
        let within: Vec<_> =
            verdicts.iter().filter(|verdict| entry.holds_for(&verdict.kernel, &verdict.release)).collect();
        let is_it = |f: &Finding| f.fingerprint == waiver.fingerprint && f.session == waiver.session;
        let seen = within.iter().filter(|verdict| verdict.all_findings().any(is_it));
        let seen_on: Vec<_> = seen.map(|verdict| verdict.kernel.clone()).collect();
        let performed = |s: &SessionVerdict| s.error.is_none() && s.skipped.is_none();
        let tried = |verdict: &KernelVerdict| match waiver.session.as_str() {
            WHOLE_KERNEL => verdict.sessions.len() >= self.sessions,
            session => verdict.sessions.iter().any(|s| s.session == session && performed(s)),
        };
        let state = match () {
            () if entry.expired => WaiverState::Expired,
            () if !seen_on.is_empty() => WaiverState::Applied,
            () if within.into_iter().any(tried) => WaiverState::Unmatched,
            () => WaiverState::Untried,
        };
        WaiverUse { waiver: waiver.clone(), state, seen_on }
    }
}

impl Entry {
    fn holds_for(&self, kernel: &str, release: &str) -> bool {
        self.scopes.iter().any(|scope| match scope {
            Scope::Id(id) => id == kernel,
            Scope::Releases { from, to } => series(release).is_some_and(|release| {
                from.is_none_or(|from| from <= release) && to.is_none_or(|to| release <= to)
            }),
        })
    }
}

impl Scope {
    /// Reads an id, or a range of releases.
    ///
    /// # Errors
    /// What is wrong with a range.
    fn read(text: &str) -> Result<Self, String> {
        let Some((from, to)) = text.split_once("..") else {
            return Ok(Scope::Id(text.to_owned()));
        };
        let ends = [(from, true), (to.strip_prefix('=').unwrap_or(to), to.is_empty() || to.starts_with('='))];
        let [from, to] = ends.map(|(text, shaped)| match (text, shaped) {
            ("", true) => Ok(None),
            (text, true) => end(text).map(Some).ok_or(()),
            (_, false) => Err(()),
        });
        match (from, to) {
            (Ok(None), Ok(None)) | (Err(()), _) | (_, Err(())) => {
                Err(format!("`{text}` is not a range of releases; write 7.2..=7.3, 7.2.. or ..=7.1"))
            }
            (Ok(Some(from)), Ok(Some(to))) if from > to => {
                Err(format!("`{text}` holds for no release: it ends before it begins"))
            }
            (Ok(from), Ok(to)) => Ok(Scope::Releases { from, to }),
        }
    }
}

/// The series of a release: 7.4 of `7.4.0-rc1-vendor`.
fn series(release: &str) -> Option<(u32, u32)> {
    let (major, rest) = release.split_once('.')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..digits].parse().ok()?))
}

/// One end of a range: `7.2` and nothing else.
fn end(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A file of waivers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// [`FORMAT`].
    #[schemars(with = "String")]
    format: Spanned<String>,
    /// The waivers.
    #[serde(default)]
    #[schemars(with = "Vec<WaiverForm>")]
    waiver: Vec<Spanned<WaiverForm>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Waiver")]
struct WaiverForm {
    /// The finding's: rule, session, step, field, accepted and seen value are in it.
    #[schemars(with = "String")]
    fingerprint: Spanned<String>,
    /// The finding's session, `-` for a finding of a whole kernel.
    #[schemars(with = "String")]
    session: Spanned<String>,
    /// Where it holds: ids of kernels, and ranges of releases such as `7.2..=7.3`, `7.2..` or `..=7.1`.
    #[schemars(with = "Vec<String>")]
    kernels: Spanned<Vec<Spanned<String>>>,
    /// Why it is let through.
    #[schemars(with = "String")]
    reason: Spanned<String>,
    /// Commit, thread or ticket.
    #[schemars(with = "String")]
    reference: Spanned<String>,
    /// The last day on which it holds, in UTC: a date without quotes.
    #[schemars(with = "String")]
    expires: Option<Spanned<toml::Value>>,
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    today: Date,
    sessions: &'a Sessions,
    is_kernel: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() + 1
    }

    fn bad<T>(&self, offset: usize, what: impl Into<String>) -> Result<T, WaiverError> {
        Err(WaiverError::Bad { path: self.path.to_owned(), line: self.line(offset), what: what.into() })
    }

    fn entries(&self) -> Result<Vec<Entry>, WaiverError> {
        let form: Form = match toml::from_str(self.text) {
            Ok(form) => form,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                return self.bad(at, error.message().trim_end().replace('\n', "; "));
            }
        };
        if form.format.get_ref() != FORMAT {
            let what = format!("`{}` is not `{FORMAT}`", form.format.get_ref());
            return self.bad(form.format.span().start, what);
        }
        let mut lines = BTreeMap::new();
        let mut entries = Vec::new();
        for spanned in form.waiver {
            let at = spanned.span().start;
            let form = spanned.into_inner();
            let (line, place) = (self.line(at), form.fingerprint.span().start);
            let entry = self.entry(at, form)?;
            if let Some(first) = lines.insert(entry.waiver.fingerprint.clone(), line) {
                let what = format!("the waiver at line {first} is for the same finding; make the two one");
                return self.bad(place, what);
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn entry(&self, at: usize, form: WaiverForm) -> Result<Entry, WaiverError> {
        let print = form.fingerprint.get_ref();
        if print.len() != 16 || !print.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) {
            let what = format!("`{print}` is not a fingerprint; take the 16 digits after `id` from a report");
            return self.bad(form.fingerprint.span().start, what);
        }
        let session = form.session.get_ref();
        if session != WHOLE_KERNEL && self.sessions.get(session).is_none() {
            let what = format!("there is no session `{session}`; a finding of a whole kernel has `-`");
            return self.bad(form.session.span().start, what);
        }
        for (name, text) in [("reason", &form.reason), ("reference", &form.reference)] {
            if text.get_ref().trim().is_empty() {
                return self.bad(text.span().start, format!("a waiver needs a {name}"));
            }
        }
        if form.kernels.get_ref().is_empty() {
            return self.bad(form.kernels.span().start, "no kernels; a waiver holds for some");
        }
        let scopes =
            form.kernels.get_ref().iter().map(|text| self.scope(text)).collect::<Result<Vec<_>, _>>()?;
        let expires = self.expires(at, form.expires)?;
        let kernels = form.kernels.into_inner().into_iter().map(Spanned::into_inner).collect();
        let waiver = Waiver {
            fingerprint: form.fingerprint.into_inner(),
            session: form.session.into_inner(),
            kernels,
            reason: form.reason.into_inner(),
            reference: form.reference.into_inner(),
            expires,
        };
        let expired = self.today > waiver.expires;
        Ok(Entry { waiver, scopes, expired })
    }

    fn scope(&self, spanned: &Spanned<String>) -> Result<Scope, WaiverError> {
        let (at, text) = (spanned.span().start, spanned.get_ref());
        match Scope::read(text) {
            Ok(Scope::Id(id)) if !(self.is_kernel)(&id) => self.bad(
                at,
                format!("no kernel `{id}` in the catalogue; for others name releases, as 7.2..=7.3"),
            ),
            Ok(scope) => Ok(scope),
            Err(why) => self.bad(at, why),
        }
    }

    fn expires(&self, at: usize, value: Option<Spanned<toml::Value>>) -> Result<Date, WaiverError> {
        let Some(value) = value else {
            return self
                .bad(at, "a waiver needs `expires`, the last day on which it holds: expires = 2027-01-31");
        };
        let date = match value.get_ref() {
            toml::Value::Datetime(toml::value::Datetime { date: Some(date), time: None, offset: None }) => {
                date
            }
            other => {
                let what =
                    format!("{other} is not a date; write it without quotes and time: expires = 2027-01-31");
                return self.bad(value.span().start, what);
            }
        };
        let day =
            i16::try_from(date.year).ok().zip(i8::try_from(date.month).ok()).zip(i8::try_from(date.day).ok());
        match day.map(|((year, month), day)| Date::new(year, month, day)) {
            Some(Ok(date)) => Ok(date),
            _ => self.bad(value.span().start, format!("the date {date} does not exist")),
        }
    }
}
