//! What a run has to say of a kernel, one by one: findings that are not waived, and what was not tested. The same for
//! every format that is a list of such.

use scrubjay_verdict::finding::WHOLE_KERNEL;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Finding, Policy, Promises, Severity};

use crate::finding::{headline, often, rows};
use crate::location;
use crate::run::{KernelReport, Run};
use crate::text::{cut, plain};
use crate::untested::untested;

/// The rule of what was not tested: it is none of the catalogue.
pub const NOT_TESTED: &str = "not-tested";

/// The longest line of a text, in characters.
const LONGEST: usize = 400;

/// The most lines of a text.
const MOST: usize = 24;

/// How much it weighs under the policy that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Fails a gate.
    Break,
    /// Nothing is said of the kernel there: never a pass.
    NotTested,
    /// A warning.
    Warn,
    /// A note.
    Note,
}

/// One thing that a run says of a kernel. Every text in it is harmless.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    /// The kernel's id.
    pub kernel: String,
    /// The rule's id, or [`NOT_TESTED`].
    pub rule: String,
    /// What it weighs.
    pub weight: Weight,
    /// In one line.
    pub title: String,
    /// More lines.
    pub text: Vec<String>,
    /// A path from the top of a kernel tree.
    pub path: &'a str,
    /// The same for the same thing in every run; two of a kernel may share one.
    pub fingerprint: String,
}

/// All of a run, kernel by kernel; the heaviest of a kernel first, otherwise in their order.
pub fn problems<'a>(run: &'a Run, promises: &'a Promises) -> Vec<Problem<'a>> {
    let mut all: Vec<_> =
        run.kernels.iter().flat_map(|kernel| findings(run.policy, kernel, promises)).collect();
    all.extend(untested(run).into_iter().map(|one| {
        let who = one.session.unwrap_or("kernel");
        let mut lines = one.why.lines();
        let why = lines.next().unwrap_or_default();
        Problem {
            kernel: plain(one.kernel),
            rule: NOT_TESTED.to_owned(),
            weight: Weight::NotTested,
            title: line(&format!("{who} could not be tested: {why}")),
            text: lines.take(MOST).map(line).collect(),
            path: location::ENTRY,
            fingerprint: format!("{NOT_TESTED}-{}", plain(one.session.unwrap_or(WHOLE_KERNEL))),
        }
    }));
    let place = |kernel: &str| run.asked.kernels.iter().position(|asked| plain(asked) == kernel);
    all.sort_by_key(|problem| (place(&problem.kernel), problem.weight));
    all
}

fn findings<'a>(
    policy: Policy,
    kernel: &'a KernelReport,
    promises: &'a Promises,
) -> impl Iterator<Item = Problem<'a>> {
    let all = kernel.verdict.iter().flat_map(|verdict| verdict.all_findings());
    // What no rule names, and what was seen too rarely, is not tested, and told as that.
    let told = all.filter(|f| f.waived.is_none() && f.rule != id::UNCLASSIFIED && !f.unsettled);
    told.map(move |finding| Problem {
        kernel: plain(&kernel.kernel),
        rule: plain(&finding.rule),
        weight: match finding.severity.under(policy) {
            Severity::Break => Weight::Break,
            Severity::Warn => Weight::Warn,
            Severity::Note => Weight::Note,
        },
        title: line(&title(finding)),
        text: text(finding, promises),
        path: location::of_finding(finding, promises),
        fingerprint: plain(&finding.fingerprint),
    })
}

/// A finding in one line. Of a kernel as a whole there is no place to tell two of one rule apart, so the line says what
/// was accepted and seen.
pub fn title(finding: &Finding) -> String {
    let headline = headline(finding);
    match finding.session.as_str() {
        WHOLE_KERNEL => format!("{headline}: {} wanted, {} seen", finding.accepted, finding.seen),
        _ => headline,
    }
}

fn text(finding: &Finding, promises: &Promises) -> Vec<String> {
    let rows = rows(finding, promises).into_iter().map(|(name, text)| match name {
        "" => line(&format!("  {text}")),
        name => line(&format!("{name}: {text}")),
    });
    let severities = finding.severity.each();
    let severities: Vec<_> =
        severities.map(|(policy, severity)| format!("{policy} {}", severity.name())).collect();
    let seen = finding.repeat.map(|repeat| format!("seen in: {}", often(repeat)));
    let ends = [format!("weighs: {}", severities.join(", ")), format!("id: {}", finding.fingerprint)];
    rows.take(MOST).chain(seen).chain(ends).collect()
}

fn line(text: &str) -> String {
    cut(&plain(text), LONGEST)
}

#[cfg(test)]
mod tests {
    use scrubjay_samples::{catalogue, mixed};

    use super::*;
    use crate::gather::Gather;

    #[test]
    fn the_heaviest_of_a_kernel_comes_first_and_nothing_that_is_waived() {
        let run = Gather::whole(&mixed());
        let promises = catalogue();
        let told: Vec<_> = problems(&run, &promises)
            .iter()
            .map(|p| format!("{} {:?} {} {}", p.kernel, p.weight, p.rule, p.path))
            .collect();
        let expected = [
            "7.1 Break set-blocked drivers/cxl/core/features.c",
            "7.1 Break kernel-oops drivers/cxl/core/features.c",
            "7.1 Break get-changed drivers/cxl/core/features.c",
            "7.1 NotTested not-tested drivers/fwctl/main.c",
            "7.1 NotTested not-tested drivers/fwctl/main.c",
            "7.1 Warn return-changed drivers/fwctl/main.c",
            "6.12 Note fwctl-absent drivers/cxl/core/features.c",
            "7.2 NotTested not-tested drivers/fwctl/main.c",
        ];
        assert_eq!(told, expected);
    }
}
