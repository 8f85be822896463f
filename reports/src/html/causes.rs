//! The causes: a card each, the heaviest first, with the finding that shows it most clearly.

use maud::{Markup, html};
use scrubjay_verdict::{Finding, Promises};

use crate::card;
use crate::causes::{Shown, shown};
use crate::finding::{often, place, promise, telling};
use crate::html::{diff, findings};
use crate::run::Run;
use crate::text::{count, plain};

/// Lines of the log that a card shows.
const LOG: usize = 20;

/// All of them.
pub fn list(run: &Run, promises: &Promises) -> Option<Markup> {
    let shown = shown(run);
    (!shown.is_empty()).then(|| html! { @for one in &shown { (article(one, run, promises)) } })
}

fn article(one: &Shown, run: &Run, promises: &Promises) -> Markup {
    let Shown { cause, example, .. } = one;
    let weight = one.weight(run.policy);
    let is_card = one.is_card(run.policy);
    html! {
        article.cause.item id={ "cause-" (cause.fingerprint) } data-verdict=(weight) data-rule=(cause.rule)
            data-kernels=(one.kernels.join(" ")) data-areas=(areas(one, run).join(" ")) {
            h3 { span class=(weight) { (weight) } " " (plain(&cause.rule)) " " small { (plain(&card::extent(one, run.kernels.len()))) } }
            p { (plain(&cause.what)) }
            @if is_card { (example_of(one, example, promises)) }
            dl {
                @if !cause.follows.is_empty() {
                    dt { "follows" }
                    dd { (plain(&card::follows(cause))) }
                }
                @if let Some(waived) = &example.waived {
                    dt { "waived" }
                    dd { (plain(&waived.to_string())) }
                }
                dt { "weighs" }
                dd { @for (policy, severity) in cause.severity.each() {
                    (policy) " " span class=(severity.name()) { (severity.name()) } " "
                } }
                dt { "id" }
                dd { code { (cause.fingerprint) } }
            }
            details {
                summary { (count(one.findings.len(), "finding")) }
                ul { @for finding in &one.findings {
                    li { a href={ "#" (findings::anchor(finding)) } { (plain(&finding.rule)) " in " (plain(&place(finding))) } }
                } }
            }
        }
    }
}

fn example_of(one: &Shown, example: &Finding, promises: &Promises) -> Markup {
    html! {
        dl {
            @if !example.promise.is_empty() { dt { "promise" } dd { (plain(&promise(example, promises))) } }
            dt { "example" }
            dd {
                (plain(&place(example)))
                @if let Some(repeat) = example.repeat { ", seen " (often(repeat)) }
            }
        }
        (diff::of(example))
        @if let Some(firmware) = diff::firmware(example) {
            details open[example.firmware.as_ref().is_some_and(|f| f.accepted != f.seen)] {
                summary { "what the firmware received" }
                (firmware)
            }
        }
        @if !one.log.is_empty() {
            pre { @for line in telling(one.log, LOG) { (plain(line)) "\n" } }
        }
    }
}

/// The areas that it shows in.
fn areas<'a>(one: &'a Shown, run: &'a Run) -> Vec<&'a str> {
    let area = |finding: &Finding| {
        let found = run.kernels.iter().find_map(|kernel| kernel.sessions.get(&finding.session));
        found.map(|session| session.area.as_str()).unwrap_or_default()
    };
    let mut areas: Vec<_> = one.findings.iter().map(|finding| area(finding)).collect();
    areas.sort_unstable();
    areas.dedup();
    areas
}
