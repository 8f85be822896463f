//! What comes with a kernel, and what goes, where it is held against another: known changes, and fixes among them.
//! Runs nothing.

use scrubjay_verdict::change::Change;
use scrubjay_verdict::{ChangeProfile, Changes};

/// The changes and fixes that arrive with `kernel`, and those that go, each in a line. What is not known of one of both is
/// left out.
pub fn arrivals(
    reference: &str,
    before: &ChangeProfile,
    kernel: &str,
    after: &ChangeProfile,
    changes: &Changes,
) -> Vec<String> {
    let moved = |from: &[String], to: &[String]| -> Vec<String> {
        let moved = changes.iter().filter(|change| from.contains(&change.id) && to.contains(&change.id));
        moved.map(told).collect()
    };
    let arrived = moved(&before.lacks, &after.carries);
    let gone = moved(&before.carries, &after.lacks);
    if arrived.is_empty() && gone.is_empty() {
        let known = |profile: &ChangeProfile, id| profile.carries.contains(id) || profile.lacks.contains(id);
        let both =
            changes.iter().filter(|change| known(before, &change.id) && known(after, &change.id)).count();
        let said = match both {
            0 => "which changes arrive is not known: no session that shows one was performed on both"
                .to_owned(),
            n => format!("of {n} changes that are known of both none arrives, and none goes"),
        };
        return vec![format!("from {reference} to {kernel}: {said}")];
    }
    let line = |word: &str, change: String| format!("from {reference} to {kernel}: {word} {change}");
    let arrived = arrived.into_iter().map(|change| line("arrives", change));
    arrived.chain(gone.into_iter().map(|change| line("goes", change))).collect()
}

/// A change in a line: what mends something is a fix.
fn told(change: &Change) -> String {
    let kind = if change.introduced.is_some() { "fix" } else { "change" };
    let known: Vec<String> =
        [change.commit.as_ref().map(|commit| format!("commit {}", commit.id)), change.cve.clone()]
            .into_iter()
            .flatten()
            .collect();
    let known = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
    format!("the {kind} {}: {}{known}", change.id, change.title)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use scrubjay_verdict::Library;

    use super::*;

    fn profile(carries: &[&str], lacks: &[&str]) -> ChangeProfile {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        ChangeProfile { carries: owned(carries), lacks: owned(lacks), ..ChangeProfile::default() }
    }

    fn lines(before: &ChangeProfile, after: &ChangeProfile) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let library = Library::load(&root).expect("the vectors read");
        arrivals("old", before, "new", after, &library.changes)
    }

    #[test]
    fn what_one_lacks_and_the_other_carries_arrives_or_goes() {
        let (fix, change) = ("op-size-bounded", "memdev-output-clamped");
        let lines = lines(&profile(&[change], &[fix]), &profile(&[fix], &[change]));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("from old to new: arrives the "), "{lines:?}");
        assert!(
            lines[0].contains(fix) && lines[1].contains("goes the ") && lines[1].contains(change),
            "{lines:?}"
        );
    }

    #[test]
    fn what_is_not_known_of_one_of_both_is_left_out() {
        let lines = lines(&profile(&[], &[]), &profile(&["op-size-bounded"], &[]));
        let said = "from old to new: which changes arrive is not known: no session that shows one was performed on both";
        assert_eq!(lines, [said]);
    }
}
