//! The sessions: kernels side by side, and what could not be tested.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use scrubjay_verdict::{SessionVerdict, Status};

use crate::html::{findings, status};
use crate::run::{KernelReport, Run};
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
        let mut reasons: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
        for session in verdicts(kernel) {
            let (skipped, why) = match (&session.error, &session.skipped) {
                (Some(why), _) => (false, why),
                (None, Some(why)) => (true, why),
                (None, None) => continue,
            };
            reasons.entry((skipped, why)).or_default().push(&session.session);
        }
        let told = reasons.into_iter().map(|((skipped, why), sessions)| Untested { skipped, why, sessions });
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

/// Every session on every kernel; those that passed wherever they ran are folded away.
pub fn table(run: &Run) -> Option<Markup> {
    let ids: BTreeSet<&String> = run.kernels.iter().flat_map(|kernel| kernel.sessions.keys()).collect();
    let plainly = |id: &&String| {
        run.kernels.iter().filter_map(|kernel| kernel.sessions.get(*id)).all(|s| s.status == Status::Pass)
    };
    let (passed, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(plainly);
    (!passed.is_empty() || !others.is_empty()).then(|| {
        html! {
            @if !others.is_empty() { (rows(run, &others)) }
            @if !passed.is_empty() {
                details {
                    summary { (count(passed.len(), "session")) " passed on every kernel that was asked" }
                    (rows(run, &passed))
                }
            }
        }
    })
}

fn rows(run: &Run, ids: &[&String]) -> Markup {
    let title = |id: &String| {
        let found = run.kernels.iter().find_map(|kernel| kernel.sessions.get(id));
        found.map(|session| session.title.as_str()).unwrap_or_default()
    };
    html! {
        div class="wide" { table {
            thead { tr { th { "session" } th { "what it pins" } @for kernel in &run.kernels { th { (kernel.kernel) } } } }
            tbody { @for id in ids {
                tr {
                    th scope="row" { (id) }
                    td { (plain(title(id))) }
                    @for kernel in &run.kernels { td { (cell(kernel, id)) } }
                }
            } }
        } }
    }
}

/// What a session came to on a kernel, with a way to its first finding.
fn cell(kernel: &KernelReport, id: &str) -> Markup {
    let Some(summary) = kernel.sessions.get(id) else {
        return html! { span.none { "-" } };
    };
    let verdict = verdicts(kernel).find(|session| session.session == id);
    html! {
        @match verdict.and_then(|session| session.findings.first()) {
            Some(finding) => a href={ "#" (findings::anchor(finding)) } { (status(summary.status)) },
            None => (status(summary.status)),
        }
    }
}
