//! The report that a person reads: notes as they come, a line a session where that is wanted, and at the end the
//! [`summary`](crate::summary).

use std::collections::BTreeMap;
use std::io::{self, Write};

use scrubjay_run::{Consumer, RunEvent};
use scrubjay_verdict::{Finding, KernelVerdict, Promises, SessionVerdict, Status};

use crate::bar::Bar;
use crate::finding::{self, Look};
use crate::gather::{Gather, unwritten};
use crate::paint::Colour;
use crate::run::Counts;
use crate::summary;
use crate::text::{WIDTH, count, cut, inert, plain, wrapped};

/// Columns of a status word.
const STATUS: usize = 6;

/// Columns of a session's id, where it is no longer.
const ID: usize = 32;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What did not pass, by causes.
    Causes,
    /// Beside that every session with its findings, and every change and defect.
    Sessions,
}

/// Writes text.
pub struct Terminal<W> {
    out: W,
    colour: Colour,
    promises: Promises,
    bar: Bar,
    detail: Detail,
    gather: Gather,
    kernels: usize,
    /// What was told of the sessions of the kernel whose turn it is.
    told: BTreeMap<String, Status>,
}

impl<W: Write> Terminal<W> {
    /// Writes to `out`; `promises` are what findings cite, `bar` is taken off the terminal meanwhile.
    pub fn new(out: W, colour: Colour, promises: Promises, bar: Bar) -> Self {
        let (detail, gather) = (Detail::Causes, Gather::new());
        Terminal { out, colour, promises, bar, detail, gather, kernels: 0, told: BTreeMap::new() }
    }

    /// The same, telling so much.
    #[must_use]
    pub fn telling(self, detail: Detail) -> Self {
        Terminal { detail, ..self }
    }

    fn lines(&mut self, event: &RunEvent) -> Vec<String> {
        match event {
            RunEvent::RunStarted { policy, kernels, sessions, shard, against, baseline, .. } => {
                self.kernels = kernels.len();
                let told = |what: &str, id: &Option<String>| {
                    id.as_ref().map(|id| format!("; {what} {id}")).unwrap_or_default()
                };
                let shard = shard.map(|shard| format!("shard {shard} of ")).unwrap_or_default();
                vec![format!(
                    "{shard}{} on {}: {}{}{}; policy {} decides",
                    count(sessions.len(), "session"),
                    count(kernels.len(), "kernel"),
                    kernels.join(", "),
                    told("against", against),
                    told("baseline", baseline),
                    policy.name()
                )]
            }
            RunEvent::Note { text } => vec![plain(text)],
            RunEvent::ReportFailed { why } => wrapped("", &unwritten(why)),
            RunEvent::KernelStarted { kernel, .. } if self.detail == Detail::Sessions => {
                self.told.clear();
                vec![String::new(), self.colour.strong(&format!("kernel {kernel}"))]
            }
            RunEvent::SessionJudged { title, verdict, .. } if self.detail == Detail::Sessions => {
                self.session(title, verdict)
            }
            RunEvent::KernelJudged { verdict, .. } => self.kernel(verdict),
            RunEvent::KernelFailed { kernel, .. } if self.kernels > 1 => {
                vec![format!("kernel {}: nothing could be tested", plain(kernel))]
            }
            RunEvent::ReferenceStarted { .. }
            | RunEvent::ReferencePerformed
            | RunEvent::KernelStarted { .. }
            | RunEvent::SessionJudged { .. }
            | RunEvent::KernelFailed { .. }
            | RunEvent::Waivers { .. }
            | RunEvent::RunFinished { .. } => Vec::new(),
        }
    }

    /// The sessions that came to something else than was told of them (they disturbed others, as is known later), and
    /// what the summary says again, so that a run of many kernels shows how far it is.
    fn kernel(&mut self, verdict: &KernelVerdict) -> Vec<String> {
        let policy = self.gather.policy();
        let otherwise =
            |s: &&SessionVerdict| self.told.get(&s.session).is_some_and(|status| *status != s.status(policy));
        let sessions: Vec<_> = verdict.sessions.iter().filter(otherwise).cloned().collect();
        let mut lines: Vec<_> = sessions.iter().flat_map(|session| self.session("", session)).collect();
        if self.kernels > 1 {
            lines.push(self.came_to(verdict));
        }
        lines
    }

    fn came_to(&self, verdict: &KernelVerdict) -> String {
        let Counts { pass, waived, broken, error, skip } = Counts::of(verdict, self.gather.policy());
        let waived = if waived > 0 { format!("{waived} waived, ") } else { String::new() };
        let kernel = plain(&verdict.kernel);
        format!("kernel {kernel}: {pass} pass, {waived}{broken} break, {error} error, {skip} skip")
    }

    fn session(&mut self, title: &str, verdict: &SessionVerdict) -> Vec<String> {
        let policy = self.gather.policy();
        let status = verdict.status(policy);
        self.told.insert(verdict.session.clone(), status);
        let mut findings: Vec<&Finding> = verdict.findings.iter().collect();
        findings.sort_by_key(|f| std::cmp::Reverse((f.waived.is_none(), f.severity.under(policy))));
        let why = verdict.error.as_ref().or(verdict.skipped.as_ref());
        let told = match (findings.first(), why) {
            (Some(first), _) if matches!(status, Status::Break | Status::Error | Status::Waived) => {
                match findings.len() {
                    1 => finding::brief(first),
                    n => format!("{} (+{} more)", finding::brief(first), n - 1),
                }
            }
            (_, Some(why)) => why.lines().next().unwrap_or_default().to_owned(),
            _ => title.to_owned(),
        };
        let head = format!("  {:STATUS$}{:ID$} ", "", verdict.session);
        let room = WIDTH.saturating_sub(head.len()).max(20);
        let word = self.colour.status(status, STATUS);
        let line = format!("  {word} {:ID$} {}", verdict.session, cut(&plain(&told), room));
        let look = Look { promises: &self.promises, colour: self.colour, indent: "         " };
        let below = findings.into_iter().flat_map(|finding| finding::lines(finding, look));
        std::iter::once(line.trim_end().to_owned()).chain(below).collect()
    }
}

impl<W: Write> Consumer for Terminal<W> {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        self.bar.event(event)?;
        let run = self.gather.event(event)?;
        let mut lines = self.lines(event);
        if let Some(run) = run {
            let every = self.detail == Detail::Sessions;
            let look = summary::Look { promises: &self.promises, colour: self.colour, every };
            lines.extend(summary::lines(&run, &look));
        }
        let Terminal { out, bar, colour, .. } = self;
        bar.aside(|| {
            for line in lines {
                writeln!(out, "{}", colour.line(&inert(&line)))?;
            }
            out.flush()
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{ExpectFile, expect_file};
    use rstest::rstest;
    use scrubjay_samples::{catalogue, clean, errored, kernel, mixed, of_kernel, play, run_of, skipped};

    use super::*;

    fn written(events: &[RunEvent], colour: Colour) -> String {
        let mut out = Vec::new();
        play(events, &mut Terminal::new(&mut out, colour, catalogue(), Bar::hidden()));
        String::from_utf8(out).unwrap()
    }

    #[rstest]
    #[case::clean(clean(), expect_file!["../tests/expected/clean.txt"])]
    #[case::every_outcome(mixed(), expect_file!["../tests/expected/mixed.txt"])]
    fn a_run_reads_as_expected(#[case] events: Vec<RunEvent>, #[case] expected: ExpectFile) {
        expected.assert_eq(&written(&events, Colour::Never));
    }

    #[test]
    fn no_line_is_wider_than_a_mail() {
        let text = written(&mixed(), Colour::Never);
        // The last line is one, however long.
        let (above, _) = text.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(above.lines().find(|line| line.chars().count() > WIDTH), None);
    }

    #[test]
    fn colour_changes_nothing_but_the_colour() {
        let coloured = written(&mixed(), Colour::Always);
        assert!(coloured.contains("\u{1b}["));
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, written(&mixed(), Colour::Never));
    }

    #[test]
    fn sixty_skips_of_one_reason_are_one_line() {
        let sessions = (0..60).map(|i| skipped(&format!("s{i}"))).collect();
        let text =
            written(&run_of(vec![of_kernel(kernel("7.3", Vec::new(), sessions), None, &[])]), Colour::Never);
        assert_eq!(text.matches("lockdown").count(), 1, "{text}");
        assert!(text.contains("skip        60 sessions: this kernel has no lockdown\n"), "{text}");
    }

    #[test]
    fn one_error_of_many_sessions_is_told_once() {
        let sessions = (0..3).map(|i| errored(&format!("s{i}"))).collect();
        let text =
            written(&run_of(vec![of_kernel(kernel("7.3", Vec::new(), sessions), None, &[])]), Colour::Never);
        assert_eq!(text.matches("went silent").count(), 1, "{text}");
        assert!(text.contains("error  could not be tested: s0, s1, s2\n"), "{text}");
    }

    #[test]
    fn passing_sessions_are_told_to_whoever_asks_for_more() {
        let (mut out, mut more) = (Vec::new(), Vec::new());
        play(&mixed(), &mut Terminal::new(&mut out, Colour::Never, catalogue(), Bar::hidden()));
        let terminal = Terminal::new(&mut more, Colour::Never, catalogue(), Bar::hidden());
        play(&mixed(), &mut terminal.telling(Detail::Sessions));
        let (text, more) = (String::from_utf8(out).unwrap(), String::from_utf8(more).unwrap());
        assert!(!text.contains("info-basic  ") && more.contains("  pass   info-basic  "), "{more}");
        let last = |text: &str| text.lines().last().map(str::to_owned);
        assert_eq!(last(&text), last(&more));
    }
}
