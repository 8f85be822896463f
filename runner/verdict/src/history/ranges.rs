//! The releases that a kernel's changes fit: ranges of point releases. Judges nothing.

use std::fmt;

use super::ChangeProfile;
use crate::change::{Change, Changes, Stand};
use crate::release::{Release, Series};

/// Releases of one series that have the same changes, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    series: Series,
    first: u16,
    last: Last,
}

/// Where a range ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// At this point release.
    Point(u16),
    /// With the series.
    Series,
    /// Not at all: later series too.
    None,
}

/// Where in the history a kernel stands by its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// In how many changes it differs from `ranges`.
    pub but_for: usize,
    /// The releases that its changes fit, or fit but for so many.
    pub ranges: Vec<Range>,
    /// Releases that they may fit too: nobody knows all of their changes.
    pub perhaps: Vec<Range>,
}

/// How a kernel fits a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// Changes that are known to be otherwise.
    wrong: usize,
    /// Changes of which nobody knows.
    open: usize,
}

/// The releases whose changes a kernel's are like. `None` where no session shows a change, present or
/// missing.
pub fn nearest(profile: &ChangeProfile, changes: &Changes) -> Option<Nearest> {
    let known = |ids: &[String]| ids.iter().filter_map(|id| changes.get(id)).collect::<Vec<_>>();
    let (carries, lacks) = (known(&profile.carries), known(&profile.lacks));
    if carries.is_empty() && lacks.is_empty() {
        return None;
    }
    let fits: Vec<_> = pieces(changes).map(|range| (fit(&range, &carries, &lacks), range)).collect();
    let like = |wanted: Fit| joined(fits.iter().filter(|(fit, _)| *fit == wanted).map(|(_, range)| *range));
    let exact = Fit { wrong: 0, open: 0 };
    let perhaps = joined(fits.iter().filter(|(f, _)| f.wrong == 0 && f.open > 0).map(|(_, range)| *range));
    let ranges = like(exact);
    if !ranges.is_empty() || !perhaps.is_empty() {
        return Some(Nearest { but_for: 0, ranges, perhaps });
    }
    let best = fits.iter().map(|(fit, _)| *fit).min()?;
    Some(Nearest { but_for: best.wrong, ranges: like(best), perhaps: Vec::new() })
}

/// Every release, in ranges in which no change begins or ends to be known.
fn pieces(changes: &Changes) -> impl Iterator<Item = Range> {
    let all = changes.series();
    let newest = all.last().copied();
    all.into_iter().flat_map(move |series| {
        // Mainline's own release is known where those behind it are not.
        let mut firsts = vec![0, 1];
        for known in changes.iter().flat_map(|c| &c.series).filter(|known| known.series == series) {
            firsts.extend(known.has_from.as_ref().map(|has| has.release.point));
            let behind = |lacks: Release| lacks.point.saturating_add(u16::from(lacks.rc.is_none()));
            firsts.extend(known.lacks_to.as_ref().map(|lacks| behind(lacks.release)));
        }
        firsts.sort_unstable();
        firsts.dedup();
        let ends: Vec<_> = firsts.iter().skip(1).map(|next| Last::Point(next - 1)).collect();
        // What the newest has, later ones have too.
        let ends = ends.into_iter().chain([if Some(series) == newest { Last::None } else { Last::Series }]);
        firsts
            .into_iter()
            .zip(ends)
            .map(move |(first, last)| Range { series, first, last })
            .collect::<Vec<_>>()
    })
}

fn fit(range: &Range, carries: &[&Change], lacks: &[&Change]) -> Fit {
    let release = Release::of(range.series, range.first);
    let count = |wrong: Stand, all: &[&Change]| all.iter().filter(|c| c.at(release) == wrong).count();
    // Who has the bug is no release from before it.
    let too_early = lacks.iter().filter(|c| c.at(release) == Stand::Unknown && c.is_before_the_bug(release));
    Fit {
        wrong: count(Stand::Lacks, carries) + count(Stand::Has, lacks) + too_early.count(),
        open: count(Stand::Unknown, carries) + count(Stand::Unknown, lacks),
    }
}

/// Ranges without the seams between them.
fn joined(pieces: impl Iterator<Item = Range>) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for piece in pieces {
        match ranges.last_mut() {
            Some(before)
                if before.series == piece.series
                    && matches!(before.last, Last::Point(last) if last.checked_add(1) == Some(piece.first)) =>
            {
                before.last = piece.last;
            }
            _ => ranges.push(piece),
        }
    }
    ranges
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = Release::of(self.series, self.first);
        match self.last {
            Last::Point(last) if last == self.first => write!(f, "{first}"),
            Last::Point(last) => write!(f, "{first} to {}", Release::of(self.series, last)),
            Last::Series => write!(f, "{first} to {}.y", self.series),
            Last::None => write!(f, "{first} and later"),
        }
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |ranges: &[Range]| ranges.iter().map(Range::to_string).collect::<Vec<_>>().join(", ");
        match self.but_for {
            0 if self.ranges.is_empty() => {
                write!(f, "none that is known; perhaps {}", names(&self.perhaps))
            }
            0 => {
                write!(f, "{}", names(&self.ranges))?;
                // Where releases are known that fit, the others are told in short.
                let mut series: Vec<_> =
                    self.perhaps.iter().map(|range| format!("{}.y", range.series)).collect();
                series.dedup();
                if series.is_empty() { Ok(()) } else { write!(f, "; unknown for some {}", series.join(", ")) }
            }
            1 => write!(f, "none; except for 1 change {}", names(&self.ranges)),
            n => write!(f, "none; except for {n} changes {}", names(&self.ranges)),
        }
    }
}
