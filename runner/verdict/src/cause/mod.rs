//! Causes: the findings of a kernel, put together by what brought them about.
//!
//! One changed line of a kernel shows in many sessions. Findings of one rule, and what merely follows (`follow`) from
//! them, are one cause, told by the ways (`way`) from accepted to seen. Every finding belongs to exactly one cause; none
//! is dropped, and what is waived is never together with what is not.

mod example;
mod follow;
mod rank;
mod sentence;
mod way;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::{Finding, WHOLE_KERNEL};
use crate::golden::short_hash;
use crate::judge::KernelVerdict;
use crate::policy::{Policy, Severities, Severity, Weighed};
use crate::rule::id;

use follow::Group;

/// What brought findings about, as far as they tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Stable over runs and formats: rule, ways and standing.
    pub fingerprint: String,
    /// The rule that names what happened.
    pub rule: String,
    /// What changed, in a sentence.
    pub what: String,
    /// How far it counts.
    pub standing: Standing,
    /// The promises that its findings belong to, the most concerned first.
    pub promises: Vec<String>,
    /// In how many sessions it shows.
    pub sessions: usize,
    /// In how many steps of them.
    pub steps: usize,
    /// The fingerprint of the finding that shows it most clearly.
    pub example: String,
    /// The fingerprints of its findings, what follows from them left out.
    pub findings: Vec<String>,
    /// What follows from them, by rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<Follows>,
    /// How much it weighs under each policy: as much as the heaviest of all these findings.
    pub severity: Severities,
}

/// How far a cause counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It weighs what its rule and promise say.
    Counts,
    /// It could not be told from chance, or no rule names it: an error, never a break.
    Error,
    /// It is let through on purpose.
    Waived,
}

/// Findings of one rule that follow from those of a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Follows {
    /// The rule.
    pub rule: String,
    /// Their fingerprints.
    pub findings: Vec<String>,
}

impl Standing {
    /// The name that JSON uses.
    fn name(self) -> &'static str {
        match self {
            Standing::Counts => "counts",
            Standing::Error => "error",
            Standing::Waived => "waived",
        }
    }

    /// How far one finding counts.
    pub fn of(finding: &Finding) -> Self {
        match () {
            () if finding.waived.is_some() => Standing::Waived,
            () if finding.unsettled || finding.rule == id::UNCLASSIFIED => Standing::Error,
            () => Standing::Counts,
        }
    }
}

impl Cause {
    /// Whether it fails a gate under a policy.
    pub fn breaks(&self, policy: Policy) -> bool {
        self.standing == Standing::Counts && self.severity.under(policy) == Severity::Break
    }

    /// The fingerprints of all its findings, its own first.
    pub fn all_findings(&self) -> impl Iterator<Item = &String> {
        self.findings.iter().chain(self.follows.iter().flat_map(|follows| &follows.findings))
    }
}

/// The causes of all that was found on a kernel, the one that weighs and explains most first.
pub fn causes(verdict: &KernelVerdict) -> Vec<Cause> {
    let mut by_standing: BTreeMap<Standing, Vec<&Finding>> = BTreeMap::new();
    for finding in verdict.all_findings() {
        by_standing.entry(Standing::of(finding)).or_default().push(finding);
    }
    let causes = by_standing.into_iter().flat_map(|(standing, findings)| {
        follow::groups(&findings).into_iter().map(move |group| cause(&group, standing))
    });
    causes.collect()
}

fn cause(group: &Group, standing: Standing) -> Cause {
    let all = || group.own.iter().chain(&group.following);
    let heaviest = |policy| all().map(|f| f.severity.under(policy)).max().unwrap_or(Severity::Note);
    let own = all().find_map(|f| f.severity.own).map(|own| own.policy);
    let sessions: BTreeSet<_> = all().map(|f| &f.session).filter(|id| *id != WHOLE_KERNEL).collect();
    let steps: BTreeSet<_> = all().filter(|f| !f.step.is_empty()).map(|f| (&f.session, &f.step)).collect();
    let mut follows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in &group.following {
        follows.entry(&finding.rule).or_default().push(finding.fingerprint.clone());
    }
    let mut follows: Vec<_> =
        follows.into_iter().map(|(rule, findings)| Follows { rule: rule.to_owned(), findings }).collect();
    follows.sort_by_key(|follows| Reverse(follows.findings.len()));
    Cause {
        fingerprint: fingerprint(group, standing),
        rule: group.rule.to_owned(),
        what: sentence::of(group),
        standing,
        promises: promises(&group.own),
        sessions: sessions.len(),
        steps: steps.len(),
        example: example::of(&group.own).fingerprint.clone(),
        findings: group.own.iter().map(|f| f.fingerprint.clone()).collect(),
        follows,
        severity: Severities {
            exempt: heaviest(Policy::Exempt),
            footgun: heaviest(Policy::Footgun),
            frozen: heaviest(Policy::Frozen),
            own: own.map(|policy| Weighed { policy, severity: heaviest(Policy::Own(policy)) }),
        },
    }
}

/// The same wherever the same rule shows in the same ways: how often each is taken is no part of it, nor what a kernel's
/// place in the history or its sessions say of a change beside its name.
fn fingerprint(group: &Group, standing: Standing) -> String {
    let way = |finding: &&Finding| match finding.field {
        Some(_) => way::of(finding).key,
        None => finding.accepted.split([',', ' ']).next().unwrap_or_default().to_owned(),
    };
    let ways: BTreeSet<String> = group.own.iter().map(way).collect();
    let mut parts = vec![group.rule, standing.name()];
    parts.extend(ways.iter().map(String::as_str));
    short_hash(&parts.join("\u{1f}"))
}

/// The promises of findings, the one that most of them belong to first.
fn promises(findings: &[&Finding]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings.iter().filter(|f| !f.promise.is_empty()) {
        *counts.entry(&finding.promise).or_default() += 1;
    }
    let mut promises: Vec<_> = counts.into_iter().collect();
    promises.sort_by_key(|(_, count)| Reverse(*count));
    promises.into_iter().map(|(id, _)| id.to_owned()).collect()
}
