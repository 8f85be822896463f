//! Where in the ABI's history a kernel stands, by the changes that it carries. Judges nothing.

use scrubjay_verdict::{Change, ChangeProfile, Changes};

/// The release whose changes a kernel's are most like, in words: `7.2 or later`, `before 7.2`,
/// `7.2 (but for 1 change)`. `None` where no session shows a change, present or missing.
pub fn nearest_release(profile: &ChangeProfile, changes: &Changes) -> Option<String> {
    let known = |ids: &[String]| ids.iter().filter_map(|id| changes.get(id)).cloned().collect::<Vec<_>>();
    let (carries, lacks) = (known(&profile.carries), known(&profile.lacks));
    if carries.is_empty() && lacks.is_empty() {
        return None;
    }
    let mut releases: Vec<&str> = carries.iter().chain(&lacks).map(|c| c.since.as_str()).collect();
    // `expected_in` is the one place that orders releases.
    let rank = |release: &str| carries.iter().chain(&lacks).filter(|c| c.expected_in(release)).count();
    releases.sort_by_key(|release| rank(release));
    releases.dedup();
    // A stage is what releases from one that brought a change to the next such have in common; the
    // first stage has none.
    let stages = std::iter::once(None).chain(releases.iter().copied().map(Some));
    let (off, stage) = stages
        .map(|stage| (distance(stage, &carries, &lacks), stage))
        .min_by_key(|(off, _)| *off)
        .expect("there is at least the first stage");
    let next = match stage {
        None => releases.first(),
        Some(release) => releases.iter().skip_while(|r| **r != release).nth(1),
    };
    let span = match (stage, next) {
        (None, Some(next)) => format!("before {next}"),
        (Some(release), None) => format!("{release} or later"),
        (Some(release), Some(next)) => format!("{release}, before {next}"),
        (None, None) => return None,
    };
    Some(match off {
        0 => span,
        1 => format!("{span} (but for 1 change)"),
        n => format!("{span} (but for {n} changes)"),
    })
}

/// How many changes a stage has and the kernel lacks, or the other way round.
fn distance(stage: Option<&str>, carries: &[Change], lacks: &[Change]) -> usize {
    let expected = |change: &&Change| stage.is_some_and(|release| change.expected_in(release));
    carries.iter().filter(|c| !expected(c)).count() + lacks.iter().filter(expected).count()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::*;

    /// Three changes of 7.2 and one of 7.10.
    fn changes() -> Changes {
        let dir = tempfile::tempdir().unwrap();
        for (id, since) in [("a", "7.2"), ("b", "7.2"), ("c", "7.2"), ("d", "7.10")] {
            let change = serde_json::json!({
                "format": scrubjay_verdict::change::FORMAT, "id": id, "title": id, "since": since,
                "reason": "r", "reference": "r", "promise": "D05", "first_seen": since,
            });
            fs::write(dir.path().join(format!("{id}.json")), change.to_string()).unwrap();
        }
        Changes::load(dir.path()).unwrap()
    }

    #[rstest]
    #[case::none("", "abcd", Some("before 7.2"))]
    #[case::all("abcd", "", Some("7.10 or later"))]
    #[case::middle("abc", "d", Some("7.2, before 7.10"))]
    #[case::backport_of_two("ab", "cd", Some("7.2, before 7.10 (but for 1 change)"))]
    #[case::backport_of_one("a", "bcd", Some("before 7.2 (but for 1 change)"))]
    #[case::newest_only("d", "abc", Some("before 7.2 (but for 1 change)"))]
    #[case::nothing_shown("", "", None)]
    #[case::only_some_shown("a", "", Some("7.2 or later"))]
    fn the_nearest_release_is_the_one_with_the_fewest_differences(
        #[case] carries: &str,
        #[case] lacks: &str,
        #[case] expected: Option<&str>,
    ) {
        let ids = |text: &str| text.chars().map(String::from).collect();
        let profile = ChangeProfile { carries: ids(carries), lacks: ids(lacks), ..ChangeProfile::default() };
        assert_eq!(nearest_release(&profile, &changes()).as_deref(), expected);
    }
}
