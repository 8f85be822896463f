//! The findings: each once, with the kernels that show it, the heaviest first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};
use scrubjay_verdict::{Finding, Promises};

use crate::finding::{headline, often, rows, weight};
use crate::html::diff;
use crate::run::Run;
use crate::text::plain;

/// One finding on every kernel that shows it.
struct Shown<'a> {
    finding: &'a Finding,
    /// Kernel, and how often it was seen there.
    kernels: Vec<(&'a str, String)>,
    /// What the first of them said.
    log: &'a [String],
}

/// Where in the page a finding is.
pub fn anchor(finding: &Finding) -> String {
    let kind = if finding.waived.is_some() { "waived" } else { "finding" };
    format!("{kind}-{}", finding.fingerprint)
}

/// All of them.
pub fn list(run: &Run, promises: &Promises) -> Option<Markup> {
    let shown = shown(run);
    (!shown.is_empty()).then(|| html! { @for one in &shown { (article(one, run, promises)) } })
}

fn shown(run: &Run) -> Vec<Shown<'_>> {
    let mut shown: BTreeMap<String, Shown> = BTreeMap::new();
    for kernel in &run.kernels {
        let logs = run.evidence.get(&kernel.kernel).map(|evidence| &evidence.logs);
        let sessions = kernel.verdict.iter().flat_map(|verdict| &verdict.sessions);
        let whole = kernel.verdict.iter().flat_map(|verdict| &verdict.findings);
        for finding in whole.chain(sessions.flat_map(|session| &session.findings)) {
            let log = logs.and_then(|logs| logs.get(&finding.fingerprint)).map_or(&[][..], Vec::as_slice);
            let one = shown.entry(anchor(finding)).or_insert(Shown { finding, kernels: Vec::new(), log });
            one.kernels.push((&kernel.kernel, finding.repeat.map(often).unwrap_or_default()));
        }
    }
    let mut shown: Vec<_> = shown.into_values().collect();
    shown.sort_by_key(|one| {
        let Finding { waived, severity, session, step, .. } = one.finding;
        (waived.is_some(), Reverse(severity.under(run.policy)), session, step, &one.finding.rule)
    });
    shown
}

fn article(one: &Shown, run: &Run, promises: &Promises) -> Markup {
    let finding = one.finding;
    let weight = weight(finding, run.policy);
    let on: Vec<_> = one.kernels.iter().map(|(kernel, _)| *kernel).collect();
    let area = run.kernels.iter().find_map(|kernel| kernel.sessions.get(&finding.session)).map(|s| &s.area);
    let sides = |(name, _): &(&str, String)| !matches!(*name, "differs" | "accepted" | "seen" | "");
    html! {
        details.finding.item id=(anchor(finding)) data-verdict=(weight) data-rule=(finding.rule)
            data-kernels=(on.join(" ")) data-areas=[area] {
            summary { span class=(weight) { (weight) } " " (plain(&headline(finding))) }
            dl {
                @for (name, text) in rows(finding, promises).into_iter().filter(sides) {
                    dt { (name) }
                    dd { (text) }
                }
                dt { "seen on" }
                dd { (kernels(one)) }
                dt { "weighs" }
                dd {
                    @for (policy, severity) in finding.severity.each() {
                        (policy) " " span class=(severity.name()) { (severity.name()) } " "
                    }
                }
                dt { "id" }
                dd { code { (finding.fingerprint) } }
            }
            (diff::of(finding))
            @if let Some(firmware) = diff::firmware(finding) {
                p { "What the firmware received:" }
                (firmware)
            }
            @if !one.log.is_empty() {
                pre { @for line in one.log { (plain(line)) "\n" } }
            }
        }
    }
}

fn kernels(one: &Shown) -> String {
    let kernel = |(kernel, often): &(&str, String)| match often.as_str() {
        "" => (*kernel).to_owned(),
        often => format!("{kernel} ({often})"),
    };
    one.kernels.iter().map(kernel).collect::<Vec<_>>().join(", ")
}
