//! Releases by their names: mainline's tags, the point releases of stable series, and their order.
//!
//! Knows no change and no kernel.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A release series, `7.2`: mainline's tag and the point releases that are made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Series {
    /// The number before the dot.
    pub major: u16,
    /// The number behind it.
    pub minor: u16,
}

/// A release: `7.3`, `7.3-rc2` or `7.2.4`. What is called `7.3.0` is `7.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Release {
    /// The series that it belongs to.
    pub series: Series,
    /// The point release; 0 is mainline's own.
    pub point: u16,
    /// The number of a release candidate, from 1.
    pub rc: Option<u16>,
}

/// A text that is no release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a release; write it as 7.3, 7.3-rc2 or 7.2.4", .0.escape_debug())]
pub struct NoRelease(String);

/// A text that is no release series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a release series; write it as 7.2", .0.escape_debug())]
pub struct NoSeries(String);

impl Release {
    /// A point release of a series; 0 is mainline's own.
    pub fn of(series: Series, point: u16) -> Self {
        Release { series, point, rc: None }
    }

    /// Whether mainline tagged it: `7.3` and `7.3-rc2`, and not `7.3.1`.
    pub fn is_mainline(self) -> bool {
        self.point == 0
    }

    /// The release that a kernel's name begins with, whatever was added to it: 6.12 of
    /// `6.12.0-55.el10`, 7.4-rc2 of `7.4.0-rc2-next`.
    pub fn leading(name: &str) -> Option<Self> {
        let (major, rest) = number(name)?;
        let (minor, rest) = number(rest.strip_prefix('.')?)?;
        let (point, rest) = rest.strip_prefix('.').and_then(number).unwrap_or((0, rest));
        let rc = rest.strip_prefix("-rc").and_then(number).map(|(rc, _)| rc).filter(|rc| *rc > 0);
        Some(Release { series: Series { major, minor }, point, rc })
    }

    fn key(self) -> (Series, u16, u16) {
        (self.series, self.point, self.rc.unwrap_or(u16::MAX))
    }
}

/// The number that a text begins with, written in the one way it can be, and what follows.
fn number(text: &str) -> Option<(u16, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u16 = text[..digits].parse().ok()?;
    (number.to_string() == text[..digits]).then_some((number, &text[digits..]))
}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Release {
    /// In a series by point release, each behind its release candidates.
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl FromStr for Release {
    type Err = NoRelease;

    fn from_str(text: &str) -> Result<Self, NoRelease> {
        let long = |release: &Self| {
            let rc = release.rc.map(|rc| format!("-rc{rc}")).unwrap_or_default();
            format!("{}.{}{rc}", release.series, release.point)
        };
        let whole = |release: &Self| text == release.to_string() || text == long(release);
        Release::leading(text).filter(whole).ok_or_else(|| NoRelease(text.to_owned()))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.series)?;
        if self.point > 0 {
            write!(f, ".{}", self.point)?;
        }
        self.rc.map_or(Ok(()), |rc| write!(f, "-rc{rc}"))
    }
}

impl FromStr for Series {
    type Err = NoSeries;

    fn from_str(text: &str) -> Result<Self, NoSeries> {
        let series = Release::leading(text).map(|release| release.series);
        series.filter(|series| series.to_string() == text).ok_or_else(|| NoSeries(text.to_owned()))
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl TryFrom<String> for Release {
    type Error = NoRelease;

    fn try_from(text: String) -> Result<Self, NoRelease> {
        text.parse()
    }
}

impl From<Release> for String {
    fn from(release: Release) -> Self {
        release.to_string()
    }
}

impl TryFrom<String> for Series {
    type Error = NoSeries;

    fn try_from(text: String) -> Result<Self, NoSeries> {
        text.parse()
    }
}

impl From<Series> for String {
    fn from(series: Series) -> Self {
        series.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("7.3", "7.3")]
    #[case("7.3.0", "7.3")]
    #[case("7.3-rc2", "7.3-rc2")]
    #[case("7.3.0-rc2", "7.3-rc2")]
    #[case("6.18.50", "6.18.50")]
    #[case("7.2.4-rc1", "7.2.4-rc1")]
    fn a_release_is_read_and_written(#[case] text: &str, #[case] written: &str) {
        assert_eq!(text.parse::<Release>().unwrap().to_string(), written);
    }

    #[rstest]
    #[case::nothing("")]
    #[case::word("soon")]
    #[case::one_number("7")]
    #[case::leading_zero("7.03")]
    #[case::open("7.3.")]
    #[case::four_numbers("7.3.4.5")]
    #[case::dirty("7.3.4+")]
    #[case::vendor("7.3.4-vendor")]
    #[case::debian("7.3.4+deb13-amd64")]
    #[case::behind_an_rc("7.3-rc2-next")]
    #[case::rc_of_nothing("7.3-rc")]
    #[case::rc_zero("7.3-rc0")]
    #[case::spaces(" 7.3")]
    #[case::beyond_a_number("7.70000")]
    fn what_has_anything_behind_it_is_no_release(#[case] text: &str) {
        assert_eq!(text.parse::<Release>(), Err(NoRelease(text.to_owned())));
    }

    #[rstest]
    #[case("6.12.0-55.el10", Some("6.12"))]
    #[case("7.3.4+deb13-amd64", Some("7.3.4"))]
    #[case("7.4.0-rc2-next-20261101", Some("7.4-rc2"))]
    #[case("7.2", Some("7.2"))]
    #[case("7.2.", Some("7.2"))]
    #[case("vendor-7.2", None)]
    #[case("", None)]
    fn a_kernel_s_name_begins_with_its_release(#[case] name: &str, #[case] release: Option<&str>) {
        assert_eq!(Release::leading(name).map(|r| r.to_string()).as_deref(), release);
    }

    #[test]
    fn releases_come_one_after_another_each_behind_its_candidates() {
        let names = [
            "6.9",
            "6.18.50",
            "7.2-rc1",
            "7.2-rc10",
            "7.2",
            "7.2.1-rc1",
            "7.2.1",
            "7.2.12",
            "7.3-rc1",
            "7.10",
        ];
        let releases = names.map(|name| name.parse::<Release>().unwrap());
        assert!(releases.is_sorted_by(|one, next| one < next), "{releases:?}");
    }

    #[rstest]
    #[case("7.2", true)]
    #[case("7.2.4", false)]
    #[case("7.2-rc1", false)]
    #[case("7", false)]
    fn a_series_is_two_numbers(#[case] text: &str, #[case] is: bool) {
        assert_eq!(text.parse::<Series>().is_ok(), is);
    }
}
