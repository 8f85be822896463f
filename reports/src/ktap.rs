//! KTAP version 1 (Documentation/dev-tools/ktap.rst): a kernel is a test, its sessions are subtests.
//!
//! What is said of a kernel as a whole is its last subtest, `kernel`. A session that could not be
//! tested is `not ok`, with the directive `ERROR`. A run that was interrupted leaves plans unmet,
//! which a parser takes for what it is.

use std::collections::BTreeMap;
use std::io::{self, Write};

use scrubjay_verdict::{Finding, KernelVerdict, Policy, Promises, SessionVerdict, Status};

use crate::again::{again, guests};
use crate::finding::{self, Look};
use crate::gather::unwritten;
use crate::paint::Colour;
use crate::profile::{changes, defects, fixes};
use crate::run::Counts;
use crate::text::plain;
use crate::waivers::idle;
use scrubjay_run::{Consumer, RunEvent};

/// The subtest about the kernel as a whole.
const WHOLE: &str = "kernel";

/// Words at which the kernel's parser takes the log for ended, wherever they stand
/// (tools/testing/kunit/kunit_parser.py, `KTAP_END`), and what is written instead: a finding's log
/// can hold them.
const ENDS: [(&str, &str); 3] = [
    ("List of all partitions:", "List of all partitions;"),
    ("Kernel panic - not syncing: VFS:", "Kernel panic - not syncing; VFS:"),
    ("reboot: System halted", "reboot; System halted"),
];

/// Writes KTAP.
pub struct Ktap<W> {
    out: W,
    promises: Promises,
    policy: Policy,
    kernels: usize,
    tests: usize,
    open: bool,
    bad: bool,
    /// Whether each session of the kernel was told as ok.
    told: BTreeMap<String, bool>,
}

impl<W: Write> Ktap<W> {
    /// Writes to `out`; `promises` are what findings cite.
    pub fn new(out: W, promises: Promises) -> Self {
        Ktap {
            out,
            promises,
            policy: Policy::default(),
            kernels: 0,
            tests: 0,
            open: false,
            bad: false,
            told: BTreeMap::new(),
        }
    }

    fn open(&mut self, kernel: &str, tests: usize) -> io::Result<()> {
        self.kernels += 1;
        (self.tests, self.open, self.bad) = (0, true, false);
        self.told.clear();
        writeln!(self.out, "  KTAP version 1\n  # Subtest: {}\n  1..{tests}", name(kernel))
    }

    /// A result line within a kernel.
    fn test(&mut self, ok: bool, test: &str, directive: &str) -> io::Result<()> {
        self.tests += 1;
        self.bad |= !ok;
        writeln!(self.out, "  {}{}", result(ok, self.tests, test), directed(directive))
    }

    fn close(&mut self, kernel: &str) -> io::Result<()> {
        self.open = false;
        writeln!(self.out, "{}", result(!self.bad, self.kernels, kernel))
    }

    fn say(&mut self, indent: &str, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        for line in lines {
            writeln!(self.out, "{indent}{}", diagnostic(&line))?;
        }
        Ok(())
    }

    fn findings(&mut self, findings: &[Finding]) -> io::Result<()> {
        for finding in findings {
            let look = Look { promises: &self.promises, colour: Colour::Never, indent: "" };
            let weight = finding::weight(finding, self.policy);
            let mut lines = finding::lines(finding, look);
            if let Some(first) = lines.first_mut() {
                first.insert_str(0, &format!("{weight}: "));
            }
            self.say("  ", lines)?;
        }
        Ok(())
    }

    fn session(&mut self, verdict: &SessionVerdict) -> io::Result<()> {
        self.findings(&verdict.findings)?;
        let (ok, directive) = match verdict.status(self.policy) {
            Status::Pass => (true, String::new()),
            Status::Waived => (true, waived(verdict, self.policy)),
            Status::Break => (false, String::new()),
            Status::Skip => (true, format!("SKIP {}", verdict.skipped.as_deref().unwrap_or_default())),
            Status::Error => {
                let why = verdict.error.as_deref().unwrap_or("a difference that no rule names");
                self.say("  ", why.lines().skip(1).map(str::to_owned))?;
                (false, format!("ERROR {}", why.lines().next().unwrap_or_default()))
            }
        };
        self.told.insert(verdict.session.clone(), ok);
        self.test(ok, &verdict.session, &directive)
    }

    /// The sessions that were told as ok and are none, as is known when all are done.
    fn otherwise(&self, verdict: &KernelVerdict) -> Vec<String> {
        let told = |session: &&SessionVerdict| self.told.get(&session.session) == Some(&true);
        let is_error = |session: &&SessionVerdict| session.status(self.policy) == Status::Error;
        let errors = verdict.sessions.iter().filter(told).filter(is_error);
        let text = |session: &SessionVerdict| {
            format!("{}: {}", session.session, session.error.as_deref().unwrap_or_default())
        };
        errors.map(text).collect()
    }
}

/// A directive: the kernel's tests say so of what fails and is let through.
fn waived(verdict: &SessionVerdict, policy: Policy) -> String {
    let waived = verdict.findings.iter().filter(|f| f.waived_break(policy)).filter_map(|f| f.waived.as_ref());
    let first = waived.min_by_key(|waived| waived.expires);
    let told = first.map(|waived| format!("waived {waived}"));
    format!("XFAIL {}", told.unwrap_or_default())
}

/// A result line without its end.
fn result(ok: bool, number: usize, test: &str) -> String {
    format!("{} {number} {}", if ok { "ok" } else { "not ok" }, name(test))
}

/// The first line behind its name, the others below it.
fn headed(name: &str, lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().enumerate().map(move |(i, text)| match i {
        0 => format!("{name}: {text}"),
        _ => format!("  {text}"),
    })
}

/// A name: anything but a hash sign and what ends a line.
fn name(text: &str) -> String {
    plain(text).replace('#', "_")
}

/// A directive. Its text has no hash sign: ` # SKIP` in the reason of an error would be read as one
/// (kunit_parser.py, `TEST_RESULT_SKIP`).
fn directed(directive: &str) -> String {
    if directive.is_empty() { String::new() } else { format!(" # {}", harmless(&name(directive))) }
}

/// A diagnostic line: never taken for a header, a plan, a result, or the end of the log.
fn diagnostic(line: &str) -> String {
    let line = harmless(&plain(line));
    match line.strip_prefix("Subtest:") {
        Some(rest) => format!("# Subtest :{rest}"),
        None => format!("# {line}").trim_end().to_owned(),
    }
}

/// Whether something is wrong that the last words of a guest may explain.
fn is_bad(verdict: &KernelVerdict, policy: Policy) -> bool {
    let counts = Counts::of(verdict, policy);
    counts.broken + counts.error > 0 || verdict.breaks(policy) > 0
}

fn harmless(line: &str) -> String {
    ENDS.iter().fold(line.to_owned(), |line, (end, instead)| line.replace(end, instead))
}

impl<W: Write> Consumer for Ktap<W> {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        match event {
            RunEvent::RunStarted { policy, kernels, against, baseline, .. } => {
                self.policy = *policy;
                writeln!(self.out, "KTAP version 1\n1..{}", kernels.len())?;
                let policy = format!("policy {} decides", policy.name());
                let told = |what, id: &Option<String>| id.as_ref().map(|id| format!("{what} {id}"));
                let more = [told("against", against), told("baseline", baseline)];
                self.say("", more.into_iter().flatten().chain([policy]))?;
            }
            // Before the version line nothing is read, and within a test any diagnostic may stand.
            RunEvent::Note { text } => self.say("", [text.clone()])?,
            RunEvent::ReportFailed { why } => self.say("", [unwritten(why)])?,
            RunEvent::ReferenceStarted { .. } | RunEvent::ReferencePerformed => {}
            RunEvent::Waivers { uses } => self.say("", idle(uses))?,
            RunEvent::KernelStarted { kernel, sessions } => self.open(kernel, sessions + 1)?,
            RunEvent::SessionJudged { verdict, .. } => self.session(verdict)?,
            RunEvent::KernelJudged { verdict, nearest, not_checked, console_tail, guests: counts } => {
                if !self.open {
                    self.open(&verdict.kernel, 1)?;
                }
                self.findings(&verdict.findings)?;
                let tail = console_tail.as_ref().filter(|_| is_bad(verdict, self.policy));
                let console = tail.into_iter().flat_map(|tail| tail.lines());
                self.say("  ", console.map(|line| format!("console: {line}")))?;
                self.say("  ", changes(verdict, nearest.as_deref()))?;
                self.say("  ", headed("fixes", fixes(verdict)))?;
                self.say("  ", headed("defects", defects(verdict)))?;
                self.say("  ", not_checked.iter().map(|what| format!("not checked: {what}")))?;
                self.say("  ", guests(counts).iter().map(|what| format!("guests: {what}")))?;
                self.say("  ", again(&counts.again).iter().map(|what| format!("tried again: {what}")))?;
                let breaks = verdict.findings.iter().any(|f| f.breaks(self.policy));
                let otherwise = self.otherwise(verdict);
                let unsettled = verdict.findings.iter().any(|f| f.unsettled);
                self.say("  ", otherwise.iter().cloned())?;
                let directive = match (breaks, otherwise.first()) {
                    (false, Some(first)) => format!("ERROR {first}"),
                    (false, None) if unsettled => "ERROR seen too rarely to tell it from chance".to_owned(),
                    _ => String::new(),
                };
                self.test(!breaks && otherwise.is_empty() && !unsettled, WHOLE, &directive)?;
                self.close(&verdict.kernel)?;
            }
            RunEvent::KernelFailed { kernel, why } => {
                if !self.open {
                    self.open(kernel, 1)?;
                }
                self.say("  ", why.lines().skip(1).map(str::to_owned))?;
                let directive = format!("ERROR {}", why.lines().next().unwrap_or_default());
                self.test(false, WHOLE, &directive)?;
                self.close(kernel)?;
            }
            RunEvent::RunFinished { cut } => {
                if let Some(status) = cut {
                    self.say("", [format!("cut short: {}", status.meaning())])?;
                }
            }
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{ExpectFile, expect_file};
    use rstest::rstest;
    use scrubjay_samples::{catalogue, clean, mixed, play};

    use super::*;

    fn written(events: &[RunEvent]) -> String {
        let mut out = Vec::new();
        play(events, &mut Ktap::new(&mut out, catalogue()));
        String::from_utf8(out).unwrap()
    }

    #[rstest]
    #[case::clean(clean(), expect_file!["../tests/expected/clean.ktap"])]
    #[case::every_outcome(mixed(), expect_file!["../tests/expected/mixed.ktap"])]
    fn a_run_reads_as_expected(#[case] events: Vec<RunEvent>, #[case] expected: ExpectFile) {
        expected.assert_eq(&written(&events));
    }

    /// Each plan is met, numbers count from 1, a parent fails when a subtest does.
    #[test]
    fn plans_numbers_and_parents_agree() {
        let text = written(&mixed());
        let (mut plan, mut seen, mut failed) = (0, 0, false);
        let mut kernels = 0;
        for line in text.lines() {
            let (nested, line) = (line.starts_with("  "), line.trim_start());
            let result = line.strip_prefix("not ok ").map(|rest| (false, rest));
            let result = result.or_else(|| line.strip_prefix("ok ").map(|rest| (true, rest)));
            let number = |rest: &str| rest.split(' ').next().unwrap().parse::<usize>().unwrap();
            match (nested, line.strip_prefix("1.."), result) {
                (true, Some(n), _) => (plan, seen, failed) = (n.parse().unwrap(), 0, false),
                (true, None, Some((ok, rest))) => {
                    seen += 1;
                    failed |= !ok;
                    assert_eq!(number(rest), seen, "{line}");
                }
                (false, None, Some((ok, rest))) => {
                    kernels += 1;
                    assert_eq!((number(rest), plan, ok), (kernels, seen, !failed), "{line}");
                }
                _ => {}
            }
        }
        assert_eq!(kernels, 3);
    }

    #[rstest]
    #[case("Subtest: x", "# Subtest : x")]
    #[case("reboot: System halted", "# reboot; System halted")]
    #[case("not ok 1 x", "# not ok 1 x")]
    #[case("", "#")]
    fn no_diagnostic_is_taken_for_more(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(diagnostic(line), expected);
    }
}
