//! The answer: what breaks, for which promise, under which policy; what a program sees; what stays.

use std::collections::{BTreeMap, BTreeSet};

use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Class, Finding, KernelVerdict, Policy, Promises, Severities, Severity, Status};

use crate::feature::Feature;
use crate::sight::{Sight, What};

/// What a decision does.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is decided, in words.
    pub decision: String,
    /// The kernel.
    pub kernel: String,
    /// What is found, the heaviest first.
    pub broken: Vec<Broken>,
    /// What a program sees of each Feature.
    pub seen: Vec<(Feature, Vec<Sight>)>,
    /// Sessions that gave in every step what they gave before.
    pub stayed: usize,
    /// Sessions that gave something else.
    pub different: usize,
    /// Sessions that do not apply.
    pub skipped: usize,
    /// Sessions of which nothing can be said, and why.
    pub untested: Vec<(String, String)>,
    /// The evidence, where the changed kernel has no fwctl at all.
    pub absent: Option<String>,
}

/// Findings by one rule that weigh the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// The rule's id.
    pub rule: String,
    /// What it weighs under each policy.
    pub severity: Severities,
    /// In how many places.
    pub findings: usize,
    /// The sessions.
    pub sessions: BTreeSet<String>,
    /// What is promised there.
    pub promises: BTreeMap<String, Promised>,
    /// The first: session and step, what was accepted and what is seen.
    pub example: String,
}

/// A promise that findings are about.
#[derive(Clone, Debug, PartialEq)]
pub struct Promised {
    /// What is promised.
    pub statement: String,
    /// How firmly.
    pub class: Class,
    /// In how many places.
    pub findings: usize,
}

impl Answer {
    /// Of a verdict that holds the changed kernel against the one as it is.
    pub fn new(
        decision: String,
        kernel: String,
        promises: &Promises,
        verdict: &KernelVerdict,
        seen: Vec<(Feature, Vec<Sight>)>,
    ) -> Self {
        let mut groups: BTreeMap<(&str, [Severity; 3]), Broken> = BTreeMap::new();
        let counts = |f: &&Finding| f.rule != id::KNOWN_DAMAGE && f.rule != id::UNCLASSIFIED && !f.unsettled;
        for finding in verdict.all_findings().filter(counts) {
            let Severities { exempt, footgun, frozen } = finding.severity;
            let group = groups.entry((&finding.rule, [exempt, footgun, frozen])).or_insert_with(|| Broken {
                rule: finding.rule.clone(),
                severity: finding.severity,
                findings: 0,
                sessions: BTreeSet::new(),
                promises: BTreeMap::new(),
                example: example(finding),
            });
            group.findings += 1;
            group.sessions.insert(finding.session.clone());
            let statement =
                || promises.get(&finding.promise).map(|p| p.statement.clone()).unwrap_or_default();
            let promised = group.promises.entry(finding.promise.clone()).or_insert_with(|| Promised {
                statement: statement(),
                class: finding.class,
                findings: 0,
            });
            promised.findings += 1;
        }
        let mut broken: Vec<_> = groups.into_values().collect();
        broken.sort_by_key(|group| {
            let Severities { exempt, footgun, frozen } = group.severity;
            std::cmp::Reverse((frozen.max(footgun).max(exempt), frozen, footgun, exempt, group.findings))
        });
        let mut answer = Answer {
            decision,
            kernel,
            broken,
            seen,
            stayed: 0,
            different: 0,
            skipped: 0,
            untested: Vec::new(),
            absent: verdict.findings.iter().find(|f| f.rule == id::FWCTL_ABSENT).map(|f| f.seen.clone()),
        };
        for session in &verdict.sessions {
            match session.status(Policy::Frozen) {
                Status::Error => {
                    let told =
                        || session.error.clone().unwrap_or_else(|| "what it gave is not sure".to_owned());
                    answer.untested.push((session.session.clone(), told()));
                }
                Status::Skip => answer.skipped += 1,
                _ if session.findings.iter().any(|f| f.rule != id::KNOWN_DAMAGE) => answer.different += 1,
                _ => answer.stayed += 1,
            }
        }
        answer
    }

    /// How many findings break under a policy.
    pub fn breaks(&self, policy: Policy) -> usize {
        let broken = self.broken.iter().filter(|group| group.severity.under(policy) == Severity::Break);
        broken.map(|group| group.findings).sum()
    }

    /// Whether something could not be tested: a session, or what is decided about a Feature, at which none looked.
    pub fn is_incomplete(&self) -> bool {
        let looked = |sights: &[Sight], at: &[What]| sights.iter().any(|sight| at.contains(&sight.what));
        let unseen = self.seen.iter().any(|(_, sights)| {
            let node_moved = sights.iter().any(|sight| sight.what == What::Node && !sight.is_as_before());
            !(node_moved || looked(sights, &[What::Set]) && looked(sights, &[What::Entry]))
        });
        unseen || !self.untested.is_empty() || self.stayed + self.different == 0
    }
}

/// The longest value in an example: what is longer, says nothing to a reader.
const LONGEST: usize = 24;

fn example(finding: &Finding) -> String {
    let Finding { session, step, accepted, seen, .. } = finding;
    let [accepted, seen] =
        [accepted, seen].map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "));
    let field = finding.field.map_or("", |field| field.name());
    match accepted.len().max(seen.len()) > LONGEST {
        true => format!("{session}, {step}: {field}"),
        false => format!("{session}, {step}: {field} {accepted} -> {seen}"),
    }
}
