//! One release after another: how each differs from the one before, and which known
//! change says so. Runs nothing.

use std::collections::{BTreeMap, BTreeSet};

use scrubjay_session::Performance;
use scrubjay_verdict::judge::judge_session;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Finding, Library, Reference};

/// What a release gave.
pub struct Release {
    /// The kernel's id.
    pub id: String,
    /// What its version says, `7.3.4`.
    pub version: String,
    /// By session.
    pub performances: BTreeMap<String, Performance>,
}

/// How one release differs from the one before.
#[derive(Debug, Default)]
pub struct Passage {
    /// How many sessions were performed on both.
    pub compared: usize,
    /// Sessions that were not, and why.
    pub left_out: Vec<(String, String)>,
    /// In the order of sessions and steps.
    pub differences: Vec<Difference>,
}

/// One difference.
#[derive(Debug)]
pub struct Difference {
    /// What it is; accepted is what the earlier release gave.
    pub finding: Finding,
    /// The changes that explain it: the later release shows them in this session and the earlier one
    /// does not, or the other way round.
    pub changes: BTreeSet<String>,
}

/// Holds a release against the one before it.
pub fn passage(library: &Library, earlier: &Release, later: &Release) -> Passage {
    let books = library.books();
    let reference = Reference::new(&earlier.id, &earlier.version, &earlier.performances, &books);
    let mut passage = Passage::default();
    for (id, performance) in &later.performances {
        let verdict = reference.judge_session(id, performance, &books);
        if let Some(why) = verdict.skipped.or(verdict.error) {
            passage.left_out.push((id.clone(), why));
            continue;
        }
        passage.compared += 1;
        let shown = |release: &Release| -> BTreeSet<String> {
            let performance = release.performances.get(id);
            performance.into_iter().flat_map(|p| judge_session(id, p, &books).carries).collect()
        };
        let moved: BTreeSet<_> = shown(earlier).symmetric_difference(&shown(later)).cloned().collect();
        let golden = books.goldens.get(id);
        for finding in verdict.findings.into_iter().filter(|f| f.rule != id::KNOWN_DAMAGE) {
            let step = golden.and_then(|golden| golden.steps.iter().find(|step| step.id == finding.step));
            let touching = step.into_iter().flat_map(|step| &step.changes).flat_map(|a| &a.with);
            let changes = touching.filter(|change| moved.contains(*change)).cloned().collect();
            passage.differences.push(Difference { finding, changes });
        }
    }
    passage
}
