//! The sessions: kernels side by side, and what could not be tested.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use scrubjay_verdict::{SessionVerdict, Status};

use crate::html::{findings, status};
use crate::not_tested::by_reason;
use crate::run::{KernelReport, Run, SessionSummary};
use crate::text::{count, plain};

/// The sessions of a kernel by id.
fn verdicts(kernel: &KernelReport) -> impl Iterator<Item = &SessionVerdict> {
    kernel.verdict.iter().flat_map(|verdict| &verdict.sessions)
}

/// What was left untested for one reason.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Untested<'a> {
    /// False for an error: errors come first.
    skipped: bool,
    why: &'a str,
    /// None where something could not be observed in any of them.
    sessions: Vec<&'a str>,
}

impl<'a> Untested<'a> {
    /// Of one kernel: its errors, its skips, and what could not be observed on it.
    fn of(kernel: &'a KernelReport) -> impl Iterator<Item = Self> {
        let told = by_reason(kernel).into_iter().map(|((skipped, why), sessions)| Untested {
            skipped,
            why,
            sessions,
        });
        let unobserved = kernel.not_checked.iter();
        told.chain(unobserved.map(|why| Untested { skipped: true, why, sessions: Vec::new() }))
    }

    fn line(&self, kernels: &[&str]) -> Markup {
        html! {
            tr {
                td { (status(if self.skipped { Status::Skip } else { Status::Error })) }
                td {
                    @match self.sessions.as_slice() {
                        [] => "not observed",
                        [id] => (id),
                        ids => details { summary { (count(ids.len(), "session")) } (ids.join(", ")) },
                    }
                }
                td { @for line in self.why.lines() { (plain(line)) br; } }
                td { (kernels.join(", ")) }
            }
        }
    }
}

/// Errors, skips and what could not be observed: a line for each reason, with the kernels that have it.
pub fn untested(run: &Run) -> Option<Markup> {
    let mut told: BTreeMap<Untested, Vec<&str>> = BTreeMap::new();
    for kernel in &run.kernels {
        for untested in Untested::of(kernel) {
            told.entry(untested).or_default().push(&kernel.kernel);
        }
    }
    (!told.is_empty()).then(|| {
        html! {
            div class="wide" { table {
                thead { tr { th { "" } th { "sessions" } th { "why" } th { "kernels" } } }
                tbody { @for (untested, kernels) in &told { (untested.line(kernels)) } }
            } }
        }
    })
}

/// The matrix: kernels across, sessions down by area. An area in which every session passed wherever it ran is folded.
pub fn table(run: &Run) -> Option<Markup> {
    let mut areas: BTreeMap<&str, BTreeMap<&String, &SessionSummary>> = BTreeMap::new();
    for (id, summary) in run.kernels.iter().flat_map(|kernel| &kernel.sessions) {
        areas.entry(&summary.area).or_default().entry(id).or_insert(summary);
    }
    (!areas.is_empty()).then(|| html! { @for (area, sessions) in &areas { (part(run, area, sessions)) } })
}

fn part(run: &Run, area: &str, sessions: &BTreeMap<&String, &SessionSummary>) -> Markup {
    let statuses = |kernel: &KernelReport| -> Vec<Status> {
        sessions.keys().filter_map(|id| kernel.sessions.get(*id)).map(|session| session.status).collect()
    };
    let wrong = |status: &Status| matches!(status, Status::Break | Status::Error);
    let is_open = run.kernels.iter().any(|kernel| statuses(kernel).iter().any(wrong));
    html! {
        details.area open[is_open] data-area=(area) {
            summary {
                strong { @if area.is_empty() { "sessions" } @else { (plain(area)) } }
                @for kernel in &run.kernels { " " (tally(kernel, &statuses(kernel))) }
            }
            div class="wide" { table class="matrix" {
                thead { tr {
                    th scope="col" { "session" }
                    @for kernel in &run.kernels { th scope="col" { (kernel.kernel) } }
                    th scope="col" { "what it pins" }
                } }
                tbody { @for (id, summary) in sessions { (row(run, area, id, summary)) } }
            } }
        }
    }
}

/// How many sessions of an area passed on a kernel, of those that apply.
fn tally(kernel: &KernelReport, statuses: &[Status]) -> Markup {
    let of = statuses.iter().filter(|status| **status != Status::Skip).count();
    let passed = statuses.iter().filter(|status| matches!(status, Status::Pass | Status::Waived)).count();
    let class = if of == 0 {
        Status::Skip
    } else if passed == of {
        Status::Pass
    } else {
        Status::Break
    };
    html! { span class="tally" { (kernel.kernel) " " span class=(class.name()) { (passed) "/" (of) } } }
}

fn row(run: &Run, area: &str, id: &str, summary: &SessionSummary) -> Markup {
    let on = |kernel: &KernelReport| kernel.sessions.get(id).map_or("-", |session| session.status.name());
    let verdicts: Vec<_> =
        run.kernels.iter().map(|kernel| format!("{}:{}", kernel.kernel, on(kernel))).collect();
    let rules: BTreeSet<_> = run
        .kernels
        .iter()
        .filter_map(|kernel| verdicts_of(kernel, id))
        .flat_map(|verdict| verdict.findings.iter().map(|finding| finding.rule.as_str()))
        .collect();
    let rules = (!rules.is_empty()).then(|| rules.into_iter().collect::<Vec<_>>().join(" "));
    html! {
        tr.item data-areas=(area) data-verdicts=(verdicts.join(" ")) data-rule=[rules] {
            th scope="row" { (plain(id)) }
            @for kernel in &run.kernels { td { (cell(kernel, id)) } }
            td { (plain(&summary.title)) }
        }
    }
}

fn verdicts_of<'a>(kernel: &'a KernelReport, id: &str) -> Option<&'a SessionVerdict> {
    verdicts(kernel).find(|session| session.session == id)
}

/// What a session came to on a kernel, with a way to its first finding.
fn cell(kernel: &KernelReport, id: &str) -> Markup {
    let Some(summary) = kernel.sessions.get(id) else {
        return html! { span.none { "-" } };
    };
    html! {
        @match verdicts_of(kernel, id).and_then(|session| session.findings.first()) {
            Some(finding) => a href={ "#" (findings::anchor(finding)) } { (status(summary.status)) },
            None => (status(summary.status)),
        }
    }
}
