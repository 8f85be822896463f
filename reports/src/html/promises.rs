//! The table of promises: each on every kernel, by the sessions that claim it.

use maud::{Markup, html};
use scrubjay_verdict::promise::Promise;
use scrubjay_verdict::{Claims, DefectState, Finding, Policy, Promises, Status};

use crate::run::{KernelReport, Run};
use crate::text::plain;

/// What a promise came to on a kernel, the gravest first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A finding at it is a break under the policy that decides.
    Break,
    /// A finding at it is not: a warning, a note, or waived.
    Differs,
    /// A sentence of it is broken, and is known to be.
    Defect,
    /// A session that claims it passed.
    Holds,
    /// None did.
    Untested,
}

impl State {
    /// The word, and the class of the style.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            State::Break => ("break", "break"),
            State::Differs => ("differs", "warn"),
            State::Defect => ("defect", "waived"),
            State::Holds => ("holds", "pass"),
            State::Untested => ("not tested", "skip"),
        }
    }
}

/// The table, an area a part; areas that no session of the run touches are there too.
pub fn table(run: &Run, all: &Promises, claims: &Claims) -> Option<Markup> {
    Some(html! {
        p {
            "Holds: at least one session that claims it passed, and none found it otherwise; the numbers are "
            "those that passed, of those that were asked. Defect: the kernel breaks a sentence of it, and is known to."
        }
        @for (letter, title) in all.areas() {
            @let area: Vec<_> = all.iter().filter(|promise| promise.id.starts_with(letter)).collect();
            @let states = states(run, &area, claims);
            details open[states.iter().any(|(state, n)| *state == State::Break && *n > 0)] {
                summary {
                    (letter) ". " (title) ":"
                    @for (state, n) in &states { @if *n > 0 {
                        @let (word, class) = state.name();
                        " " (n) " " span class=(class) { (word) }
                    } }
                }
                div class="wide" { table {
                    thead { tr {
                        th { "" } th { "promise" } th { "class" }
                        @for kernel in &run.kernels { th { (kernel.kernel) } }
                    } }
                    tbody { @for promise in area { (line(run, promise, claims)) } }
                } }
            }
        }
    })
}

/// How many cells of an area are in which state.
fn states(run: &Run, area: &[&Promise], claims: &Claims) -> [(State, usize); 5] {
    let cells: Vec<_> = area
        .iter()
        .filter(|promise| promise.untested.is_none())
        .flat_map(|promise| run.kernels.iter().map(|kernel| state(kernel, promise, claims, run.policy)))
        .collect();
    [State::Break, State::Differs, State::Defect, State::Holds, State::Untested]
        .map(|state| (state, cells.iter().filter(|cell| **cell == state).count()))
}

fn line(run: &Run, promise: &Promise, claims: &Claims) -> Markup {
    html! {
        tr id={ "promise-" (promise.id) } {
            th scope="row" { (promise.id) }
            td.statement { (plain(&promise.statement)) }
            td { (promise.class.name()) }
            @match &promise.untested {
                Some(why) => td colspan=(run.kernels.len()) { "not tested: " (plain(why)) },
                None => @for kernel in &run.kernels { (cell(kernel, promise, claims, run.policy)) },
            }
        }
    }
}

fn cell(kernel: &KernelReport, promise: &Promise, claims: &Claims, policy: Policy) -> Markup {
    let (passed, asked) = passed(kernel, promise, claims);
    let (word, class) = state(kernel, promise, claims, policy).name();
    html! {
        td.state {
            span class=(class) { (word) }
            @if asked > 0 && class != "skip" { " " (passed) "/" (asked) }
        }
    }
}

/// How many of the sessions that claim a promise passed on a kernel, and how many were asked.
fn passed(kernel: &KernelReport, promise: &Promise, claims: &Claims) -> (usize, usize) {
    let asked: Vec<_> = claims.sessions(&promise.id).filter_map(|id| kernel.sessions.get(id)).collect();
    let passed = asked.iter().filter(|session| session.status == Status::Pass).count();
    (passed, asked.len())
}

fn state(kernel: &KernelReport, promise: &Promise, claims: &Claims, policy: Policy) -> State {
    let sessions = || kernel.verdict.iter().flat_map(|verdict| &verdict.sessions);
    let whole = kernel.verdict.iter().flat_map(|verdict| &verdict.findings);
    let findings = whole.chain(sessions().flat_map(|session| &session.findings));
    let at_it: Vec<&Finding> = findings.filter(|finding| finding.promise == promise.id).collect();
    let defect = |(state, broken): (DefectState, &str)| state == DefectState::There && broken == promise.id;
    let mut defects =
        sessions().flat_map(|s| &s.defects).map(|seen| (seen.state, seen.defect.promise.as_str()));
    match () {
        () if at_it.iter().any(|finding| finding.breaks(policy)) => State::Break,
        () if !at_it.is_empty() => State::Differs,
        () if defects.any(defect) => State::Defect,
        () if passed(kernel, promise, claims).0 > 0 => State::Holds,
        () => State::Untested,
    }
}
