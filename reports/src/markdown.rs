//! A run as Markdown for a pull request: what is new, by causes, in one comment. Its first line is a marker by which
//! whoever posts it finds the comment of the run before and replaces it.

use scrubjay_verdict::{Promises, Status};

use crate::card::{extent, facts, weights};
use crate::causes::{Shown, shown};
use crate::run::Run;
use crate::summary::last;
use crate::text::{count, cut, markdown, plain};
use crate::untested::untested;

/// What the comment begins with.
const MARKER: &str = "<!-- scrubjay: this comment is replaced by the next run's -->";

/// The longest comment, in bytes: GitHub takes 65,536 characters.
const LONGEST: usize = 60_000;

/// The most characters of what one cell, name or fact says.
const CELL: usize = 400;

/// The whole text. What is waived or only noted is not new, and is left out.
pub fn text(run: &Run, promises: &Promises) -> String {
    let shown = shown(run);
    let cards: Vec<_> = shown.iter().filter(|one| one.is_card(run.policy)).collect();
    let mut text = format!("{MARKER}\n## scrubjay\n\n{}\n", markdown(&last(run, &shown)));
    if !cards.is_empty() {
        text += "\n| | rule | what changed | where |\n|---|---|---|---|\n";
    }
    let mut whole = true;
    for one in &cards {
        let row = row(one, run);
        match text.len() + row.len() < LONGEST / 2 {
            true => text += &row,
            false => whole = false,
        }
    }
    for one in &cards {
        let details = details(one, promises);
        match text.len() + details.len() < LONGEST {
            true => text += &details,
            false => whole = false,
        }
    }
    if !whole {
        text += "\nThere is more than a comment holds: see the whole report.\n";
    }
    let mut kernels: Vec<_> = untested(run).iter().map(|one| one.kernel).collect();
    kernels.dedup();
    let kernels: Vec<_> = kernels.iter().map(|id| format!("`{}`", code(&cut(id, CELL)))).collect();
    if !kernels.is_empty() {
        text += &format!("\nNot tested whole: {}.\n", kernels.join(", "));
    }
    text
}

fn row(one: &Shown, run: &Run) -> String {
    let weight = one.weight(run.policy);
    let word = if weight == Status::Break.name() { "**break**" } else { weight };
    let (rule, what) = (code(&one.cause.rule), markdown(&cut(&one.cause.what, CELL)));
    format!("| {word} | `{rule}` | {what} | {} |\n", markdown(&cut(&extent(one, run.kernels.len()), CELL)))
}

fn details(one: &Shown, promises: &Promises) -> String {
    let facts = facts(one, promises);
    let lines: Vec<_> =
        facts.iter().map(|(name, text)| format!("{name:9} {}", cut(&plain(text), CELL))).collect();
    let findings = count(one.findings.len(), "finding");
    format!(
        "\n<details><summary><code>{}</code>: {}, id {}</summary>\n\n{}\n\n</details>\n",
        markdown(&one.cause.rule),
        findings,
        one.cause.fingerprint,
        fenced(&format!("{}\nweighs    {}", lines.join("\n"), weights(one)))
    )
}

/// A text between fences that it does not hold.
fn fenced(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}text\n{text}\n{fence}")
}

/// A word in a code span of a table.
fn code(text: &str) -> String {
    plain(text).replace(['`', '|'], "'")
}

#[cfg(test)]
mod tests {
    use scrubjay_samples::{catalogue, clean, mixed};

    use super::*;
    use crate::gather::Gather;

    fn written(events: &[scrubjay_run::RunEvent]) -> String {
        text(&Gather::whole(events), &catalogue())
    }

    #[test]
    fn a_comment_begins_with_its_marker_and_tells_only_what_is_new() {
        let text = written(&mixed());
        assert!(text.starts_with(&format!("{MARKER}\n")), "{text}");
        assert!(text.contains("| **break** | `kernel-oops` | "), "{text}");
        assert!(text.contains("Not tested whole: `7.1`, `7.2`."), "{text}");
        // What is waived is not new.
        assert!(!text.contains("ticket 7"), "{text}");
        assert!(written(&clean()).contains("exit status 0"));
    }

    #[test]
    fn a_fence_is_longer_than_any_that_it_holds() {
        assert_eq!(fenced("a ``` b"), "````text\na ``` b\n````");
    }
}
