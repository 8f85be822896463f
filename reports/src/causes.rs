//! The causes of a run, kernels together: what every report for people begins with. Knows no format.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use scrubjay_verdict::{Cause, Finding, Policy, Severity, Standing};

use crate::run::{KernelReport, Run};

/// One cause on every kernel that shows it.
pub struct Shown<'a> {
    /// As the kernel tells it that shows most of it.
    pub cause: &'a Cause,
    /// The finding that shows it most clearly there.
    pub example: &'a Finding,
    /// What that kernel said in its step.
    pub log: &'a [String],
    /// All its findings, what follows too, each once; those of the kernel that shows most of it first.
    pub findings: Vec<&'a Finding>,
    /// The kernels.
    pub kernels: Vec<&'a str>,
}

impl Shown<'_> {
    /// What it weighs under a policy, in the word of a finding.
    pub fn weight(&self, policy: Policy) -> &'static str {
        match self.cause.standing {
            Standing::Counts => self.cause.severity.under(policy).name(),
            Standing::Error => "error",
            Standing::Waived => "waived",
        }
    }

    /// Whether it is worth a card: what is waived or merely noted is worth a line.
    pub fn is_card(&self, policy: Policy) -> bool {
        match self.cause.standing {
            Standing::Counts => self.cause.severity.under(policy) > Severity::Note,
            Standing::Error => true,
            Standing::Waived => false,
        }
    }
}

/// All causes of a run: what fails it first, then what could not be told, then what weighs less, then what is waived.
pub fn shown(run: &Run) -> Vec<Shown<'_>> {
    let mut by_print: BTreeMap<&str, Told> = BTreeMap::new();
    for kernel in &run.kernels {
        for (place, cause) in kernel.causes.iter().enumerate() {
            by_print.entry(&cause.fingerprint).or_default().push((place, cause, kernel));
        }
    }
    let mut shown: Vec<_> = by_print.into_values().filter_map(|told| one(&told, run)).collect();
    shown.sort_by_cached_key(|(place, one)| {
        let Cause { standing, severity, fingerprint, .. } = one.cause;
        let severity = severity.under(run.policy);
        let rank = match standing {
            Standing::Counts if severity == Severity::Break => 0,
            Standing::Error => 1,
            Standing::Counts => 2,
            Standing::Waived => 3,
        };
        (rank, Reverse(severity), *place, Reverse(one.kernels.len()), fingerprint.clone())
    });
    shown.into_iter().map(|(_, one)| one).collect()
}

/// A cause on the kernels that show it, with its place among the causes of each.
type Told<'a> = Vec<(usize, &'a Cause, &'a KernelReport)>;

/// One of them, and its foremost place.
fn one<'a>(told: &Told<'a>, run: &'a Run) -> Option<(usize, Shown<'a>)> {
    let place = told.iter().map(|(place, ..)| *place).min()?;
    let (_, cause, kernel) =
        told.iter().max_by_key(|(place, cause, _)| (cause.findings.len(), Reverse(*place)))?;
    let example = findings(cause, kernel).find(|finding| finding.fingerprint == cause.example)?;
    let logs = run.evidence.get(&kernel.kernel).map(|evidence| &evidence.logs);
    let log = logs.and_then(|logs| logs.get(&cause.example)).map_or(&[][..], Vec::as_slice);
    let kernels = told.iter().map(|(.., kernel)| kernel.kernel.as_str()).collect();
    Some((place, Shown { cause, example, log, findings: findings_of(told, cause), kernels }))
}

/// The findings of a cause on a kernel.
fn findings<'a>(cause: &'a Cause, kernel: &'a KernelReport) -> impl Iterator<Item = &'a Finding> {
    let prints: BTreeSet<&String> = cause.all_findings().collect();
    let all = kernel.verdict.iter().flat_map(|verdict| verdict.all_findings());
    all.filter(move |f| prints.contains(&f.fingerprint) && Standing::of(f) == cause.standing)
}

fn findings_of<'a>(told: &Told<'a>, first: &Cause) -> Vec<&'a Finding> {
    let mut told = told.clone();
    told.sort_by_key(|(_, cause, _)| !std::ptr::eq(*cause, first));
    let mut seen = BTreeSet::new();
    let all = told.iter().flat_map(|(_, cause, kernel)| findings(cause, kernel));
    all.filter(|finding| seen.insert(finding.fingerprint.as_str())).collect()
}
