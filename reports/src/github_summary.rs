//! GitHub's step summary: markdown for the page of a run, short. Nothing that was said elsewhere is more than text in it.

use scrubjay_verdict::{Policy, Promises};

use crate::problem::{Problem, Weight, problems};
use crate::profile::fixes;
use crate::run::{Counts, KernelReport, KernelState, Run};
use crate::text::{count, cut, markdown};

/// The most findings of a weight that are listed.
const MOST: usize = 50;

/// The longest line of a list, in characters.
const LONGEST: usize = 300;

/// The page.
pub fn text(run: &Run, promises: &Promises) -> String {
    let mut out = format!("## scrubjay: {}\n\n", run.meaning());
    let other = |what: &str, id: &Option<String>| id.as_ref().map(|id| format!(", {what} {}", named(id)));
    let more: String =
        [other("against", &run.against), other("baseline", &run.baseline)].into_iter().flatten().collect();
    let asked = count(run.asked.performed().count(), "session");
    out.push_str(&format!(
        "{asked} on {}{more}; policy {} decides; exit status {}.\n\n",
        count(run.asked.kernels.len(), "kernel"),
        run.policy.name(),
        run.exit_status
    ));
    if !run.complete {
        out.push_str("**The run was cut short: what is missing was not tested.**\n\n");
    }
    let policies = run.policies();
    let names: Vec<_> = policies.iter().map(|policy| policy.name()).collect();
    let head = format!("| kernel | pass | waived | break | error | skip | breaks: {} |\n", names.join(" | "));
    out.push_str(&head);
    out.push_str(&format!("|---|--:|--:|--:|--:|--:|{}\n", "--:|".repeat(policies.len())));
    for kernel in &run.kernels {
        out.push_str(&row(kernel, &policies));
    }
    let problems = problems(run, promises);
    list(&mut out, "Breaks", &problems, Weight::Break);
    list(&mut out, "Not tested", &problems, Weight::NotTested);
    list(&mut out, "Warnings", &problems, Weight::Warn);
    missing_fixes(&mut out, run);
    out
}

fn row(kernel: &KernelReport, policies: &[Policy]) -> String {
    let id = named(&kernel.kernel);
    if kernel.state == KernelState::Failed {
        return format!("| {id} | nothing could be tested | | | | |{}\n", " |".repeat(policies.len()));
    }
    let Counts { pass, waived, broken, error, skip } = kernel.counts;
    let breaks: Vec<_> = policies.iter().map(|policy| kernel.breaks.under(*policy).to_string()).collect();
    format!("| {id} | {pass} | {waived} | {broken} | {error} | {skip} | {} |\n", breaks.join(" | "))
}

fn list(out: &mut String, title: &str, problems: &[Problem], weight: Weight) {
    let mine: Vec<_> = problems.iter().filter(|problem| problem.weight == weight).collect();
    if mine.is_empty() {
        return;
    }
    out.push_str(&format!("\n### {title}\n\n"));
    for problem in mine.iter().take(MOST) {
        let Problem { kernel, title, .. } = problem;
        out.push_str(&format!("- {}: {}\n", named(kernel), markdown(&cut(title, LONGEST))));
    }
    if let Some(more) = mine.len().checked_sub(MOST).filter(|more| *more > 0) {
        out.push_str(&format!("- and {more} more\n"));
    }
}

fn missing_fixes(out: &mut String, run: &Run) {
    let told = |kernel: &KernelReport| {
        let verdict = kernel.verdict.as_ref()?;
        let lines = fixes(verdict);
        (lines.len() > 1).then(|| (kernel.kernel.clone(), lines))
    };
    let all: Vec<_> = run.kernels.iter().filter_map(told).collect();
    if !all.is_empty() {
        out.push_str("\n### Missing fixes\n\n");
    }
    for (kernel, lines) in all {
        for line in lines.iter().skip(1).take(MOST) {
            out.push_str(&format!("- {}: {}\n", named(&kernel), markdown(&cut(line, LONGEST))));
        }
    }
}

/// A kernel's id, which may be a path.
fn named(kernel: &str) -> String {
    markdown(&cut(kernel, LONGEST))
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use scrubjay_samples::{catalogue, clean, mixed};

    use super::*;
    use crate::gather::Gather;

    #[test]
    fn a_run_reads_as_expected() {
        expect_file!["../tests/expected/mixed.summary.md"]
            .assert_eq(&text(&Gather::whole(&mixed()), &catalogue()));
        expect_file!["../tests/expected/clean.summary.md"]
            .assert_eq(&text(&Gather::whole(&clean()), &catalogue()));
    }
}
