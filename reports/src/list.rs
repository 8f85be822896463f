//! A run as plain text for a mailing list: 72 columns, the regression first, who is hurt, the command that reproduces
//! it, and no more than a reader takes in at once.

use scrubjay_run::ExitStatus;
use scrubjay_verdict::finding::WHOLE_KERNEL;
use scrubjay_verdict::{Policy, Promises, Rule};

use crate::card::{extent, facts, weights};
use crate::causes::{Shown, shown};
use crate::run::Run;
use crate::summary::last;
use crate::text::{count, plain, wrapped_to};
use crate::untested::untested;

/// The width of a mail.
const WIDTH: usize = 72;

/// The most lines of the facts of the cause that is told whole.
const FACTS: usize = 9;

/// The most of the other causes that are named.
const OTHERS: usize = 3;

/// The whole text.
pub fn text(run: &Run, promises: &Promises) -> String {
    let shown = shown(run);
    let cards: Vec<_> = shown.iter().filter(|one| one.is_card(run.policy)).collect();
    let mut lines = match cards.split_first() {
        Some((first, rest)) => {
            let mut lines = regression(first, run, promises);
            lines.extend(others(rest, run));
            lines
        }
        None if run.exit_status == ExitStatus::Clean.number() => {
            let part = run.asked.shard().map(|shard| format!(" in shard {shard}")).unwrap_or_default();
            vec![format!("No difference was found{part} that weighs anything.")]
        }
        None => vec!["Not everything could be tested; what was shows no difference that weighs.".to_owned()],
    };
    lines.push(String::new());
    for told in [missing(run), Some(kernels(run))].into_iter().flatten() {
        lines.extend(brief(&told));
    }
    lines.extend(brief(&last(run, &shown)));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The cause that leads.
fn regression(one: &Shown, run: &Run, promises: &Promises) -> Vec<String> {
    let cause = one.cause;
    let word = match one.weight(run.policy) {
        "break" => "Regression",
        "error" => "Could not be told",
        _ => "Difference",
    };
    let mut lines = wrapped_to(WIDTH, "", &format!("{word} ({}): {}", cause.rule, cause.what));
    lines.truncate(4);
    lines.extend(brief(&format!("Seen {}, policy {}.", extent(one, 2), run.policy.name())));
    lines.push(String::new());
    let facts = facts(one, promises).into_iter();
    let facts = facts.flat_map(|(name, text)| wrapped_to(WIDTH, &format!("  {name:9} "), &text));
    lines.extend(facts.take(FACTS));
    lines.extend(wrapped_to(WIDTH, "  weighs    ", &weights(one)));
    if let Some(rule) = Rule::find(&cause.rule) {
        lines.push(String::new());
        let hurt = rule.user.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.extend(wrapped_to(WIDTH, "Who is hurt: ", &hurt).into_iter().take(3));
    }
    lines.push(String::new());
    lines.push("To reproduce:".to_owned());
    let kernel = one.kernels.first().copied().unwrap_or_default();
    let session = match one.example.session.as_str() {
        WHOLE_KERNEL => String::new(),
        session => format!(" -s {}", quoted(session)),
    };
    let option = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!(" --{name} {}", quoted(value))).unwrap_or_default()
    };
    let (against, baseline) = (option("against", &run.against), option("baseline", &run.baseline));
    let policy = (run.policy != Policy::default()).then(|| run.policy.argument());
    // A command stays in one line, however long: it is there to be copied.
    lines.push(format!(
        "  scrubjay check -k {}{against}{baseline}{}{}{session}",
        quoted(kernel),
        option("policy", &policy),
        if run.asked.require_fixes { " --require-fixes" } else { "" }
    ));
    lines
}

fn others(rest: &[&Shown], run: &Run) -> Vec<String> {
    if rest.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Also:".to_owned()];
    for one in rest.iter().take(OTHERS) {
        let told = format!("{} ({}, {})", one.cause.what, one.cause.rule, extent(one, run.kernels.len()));
        lines.extend(brief(&format!("- {told}")));
    }
    if rest.len() > OTHERS {
        lines.push(format!("- and {} more", count(rest.len() - OTHERS, "cause")));
    }
    lines
}

/// A word of a command: quoted where a shell would read more than a word, because who copies it trusts it.
fn quoted(text: &str) -> String {
    let text = plain(text);
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "._-+/:@".contains(c);
    match !text.is_empty() && text.chars().all(is_safe) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A text in two lines, cut where it is longer.
fn brief(text: &str) -> Vec<String> {
    let mut lines = wrapped_to(WIDTH, "", text);
    if lines.len() > 2 {
        lines.truncate(2);
        let last = &mut lines[1];
        last.truncate(last.char_indices().nth(WIDTH - 3).map_or(last.len(), |(at, _)| at));
        last.push_str("...");
    }
    lines
}

/// What was asked for and not tested, in the words of the first.
fn missing(run: &Run) -> Option<String> {
    let all = untested(run);
    let first = all.first()?;
    let who =
        first.session.map_or(first.kernel.to_owned(), |session| format!("{session} on {}", first.kernel));
    let more = if all.len() > 1 { format!(", and {} more", all.len() - 1) } else { String::new() };
    Some(format!("Not tested: {who}{more}: {}", first.why.lines().next().unwrap_or_default()))
}

/// Which kernels these were, with what they call themselves.
fn kernels(run: &Run) -> String {
    let name = |kernel: &crate::run::KernelReport| {
        let release =
            kernel.verdict.as_ref().map(|verdict| verdict.release.as_str()).filter(|r| !r.is_empty());
        release.map_or(kernel.kernel.clone(), |release| format!("{} ({release})", kernel.kernel))
    };
    let names: Vec<_> = run.kernels.iter().map(name).collect();
    let against = run.against.as_ref().map(|id| format!(", held against {id}")).unwrap_or_default();
    format!("Kernels: {}{against}.", names.join(", "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scrubjay_run::RunEvent;
    use scrubjay_samples::{catalogue, clean, mixed};

    use super::*;
    use crate::gather::Gather;

    fn written(events: &[RunEvent]) -> String {
        text(&Gather::whole(events), &catalogue())
    }

    #[test]
    fn a_mail_begins_with_the_regression_and_fits() {
        let text = written(&mixed());
        assert!(text.starts_with("Regression (kernel-oops): "), "{text}");
        assert!(text.contains("\nTo reproduce:\n  scrubjay check -k 7.1 -s out-len-zero\n"), "{text}");
        assert!(text.contains("Who is hurt: ") && text.contains("\nAlso:\n- "), "{text}");
        assert!(text.contains("\nNot tested: "), "{text}");
        assert!(text.lines().count() < 40, "{text}");
        assert_eq!(text.lines().find(|line| line.chars().count() > WIDTH), None, "{text}");
    }

    #[rstest]
    #[case::a_word("7.3-raw", "7.3-raw")]
    #[case::another_command("7.3; reboot", "'7.3; reboot'")]
    #[case::a_quote("a'$(b)", r"'a'\''$(b)'")]
    fn what_a_shell_would_read_is_quoted(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(quoted(text), expected);
    }

    #[test]
    fn a_mail_of_a_clean_run_says_so() {
        let text = written(&clean());
        assert!(text.starts_with("No difference was found") && text.contains("exit status 0"), "{text}");
    }

    #[test]
    fn a_mail_of_what_was_not_tested_does_not_begin_as_one_of_a_clean_run() {
        let failed = RunEvent::KernelFailed { kernel: "7.3".into(), why: "no image".into() };
        let mut events = clean();
        let last = events.len() - 1;
        events.insert(last, failed);
        let text = written(&events);
        assert!(text.starts_with("Not everything could be tested"), "{text}");
    }
}
