//! The form by which the page is filtered. Its script hides what does not fit; without a script nothing is hidden and
//! there is no form.

use std::collections::BTreeSet;

use maud::{Markup, html};
use scrubjay_verdict::Status;

use crate::run::Run;
use crate::text::plain;

/// The form, hidden until the script shows it.
pub fn form(run: &Run) -> Markup {
    let sessions = || run.kernels.iter().flat_map(|kernel| kernel.sessions.values());
    let areas: BTreeSet<&str> =
        sessions().map(|session| session.area.as_str()).filter(|area| !area.is_empty()).collect();
    let rules: BTreeSet<&str> = run
        .kernels
        .iter()
        .flat_map(|kernel| &kernel.causes)
        .flat_map(|cause| {
            std::iter::once(cause.rule.as_str())
                .chain(cause.follows.iter().map(|follows| follows.rule.as_str()))
        })
        .collect();
    let kernels: Vec<&str> = run.kernels.iter().map(|kernel| kernel.kernel.as_str()).collect();
    let verdicts =
        [Status::Break, Status::Error, Status::Waived, Status::Skip, Status::Pass].map(Status::name);
    let verdicts: Vec<_> = verdicts.into_iter().chain(["warn", "note"]).collect();
    html! {
        form id="filter" role="search" aria-label="Filter" hidden {
            (select("verdict", &verdicts))
            (select("rule", &rules.into_iter().collect::<Vec<_>>()))
            (select("area", &areas.into_iter().collect::<Vec<_>>()))
            (select("kernel", &kernels))
            label { "text " input type="search" name="text" title="press / to come here"; }
            button type="reset" { "all" }
            output aria-live="polite" {}
        }
    }
}

fn select(name: &str, values: &[&str]) -> Markup {
    html! {
        label {
            (name) " "
            select name=(name) {
                option value="" { "any" }
                @for value in values { option value=(plain(value)) { (plain(value)) } }
            }
        }
    }
}
