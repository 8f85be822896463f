//! Which release has a change, as far as that is known.

use super::form::{Change, Changes, Statement};
use crate::release::{Release, Series};

/// Whether a release has a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It is known to have it.
    Has,
    /// It is known to lack it.
    Lacks,
    /// Nobody knows, or there was nothing to change yet.
    Unknown,
}

impl Stand {
    /// The word that users read.
    pub fn name(self) -> &'static str {
        match self {
            Stand::Has => "has",
            Stand::Lacks => "lacks",
            Stand::Unknown => "unknown",
        }
    }
}

impl Change {
    /// Whether an unmodified release has it.
    pub fn at(&self, release: Release) -> Stand {
        let mainline = self.mainline.release;
        if release.series >= mainline.series {
            return match release >= mainline {
                true => Stand::Has,
                // A candidate of the release that has it: which was the first is known only where it is named.
                false if mainline.rc.is_some() => Stand::Lacks,
                false => Stand::Unknown,
            };
        }
        let known = self.series.iter().find(|known| known.series == release.series);
        let said = |said: Option<&Statement>| said.map(|said| said.release);
        let has_from = known.and_then(|known| said(known.has_from.as_ref()));
        let lacks_to = known.and_then(|known| said(known.lacks_to.as_ref()));
        match () {
            // What a series says is said of what was made from mainline's release.
            () if release.is_mainline() && self.is_before_the_bug(release) => Stand::Unknown,
            () if release.is_mainline() => Stand::Lacks,
            () if has_from.is_some_and(|has| release >= has) => Stand::Has,
            () if lacks_to.is_some_and(|lacks| release <= lacks) => Stand::Lacks,
            () => Stand::Unknown,
        }
    }

    /// Whether mainline had not yet what it mends.
    pub fn is_before_the_bug(&self, release: Release) -> bool {
        self.introduced.as_ref().is_some_and(|bug| release < bug.release)
    }

    /// The first release of a series that is known to have it: mainline's, where the series has it from
    /// the start.
    pub fn first_in(&self, series: Series) -> Option<Release> {
        if series > self.mainline.release.series {
            return Some(Release::of(series, 0));
        }
        if series == self.mainline.release.series {
            return Some(self.mainline.release);
        }
        let known = self.series.iter().find(|known| known.series == series)?;
        known.has_from.as_ref().map(|has| has.release)
    }

    /// Since when a series has it, in words: `7.2.y since 7.2.4`, `mainline since 7.3`.
    pub fn since(&self, series: Option<Series>) -> String {
        match series.and_then(|series| Some((series, self.first_in(series)?))) {
            Some((series, first)) if series < self.mainline.release.series => {
                format!("{series}.y since {first}")
            }
            _ => format!("mainline since {}", self.mainline.release),
        }
    }
}

/// The series that fwctl came with. What a change mends may be older.
const FWCTL: Series = Series { major: 6, minor: 15 };

impl Changes {
    /// The series that any of them says something of, in their order. A bug from before fwctl makes no kernel from
    /// before fwctl one of them.
    pub fn series(&self) -> Vec<Series> {
        let named = |change: &Change| {
            let bug = change.introduced.as_ref().filter(|bug| bug.release.series >= FWCTL);
            let tags = [Some(&change.mainline), bug];
            let tags = tags.into_iter().flatten().map(|said| said.release.series).collect::<Vec<_>>();
            tags.into_iter().chain(change.series.iter().map(|known| known.series)).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = self.iter().flat_map(named).collect();
        all.sort();
        all.dedup();
        all
    }
}
