//! The report that a person reads: a line a session as it comes, findings below it, a summary.

use std::collections::BTreeMap;
use std::io::{self, Write};

use scrubjay_verdict::{Finding, KernelVerdict, Policy, Promises, SessionVerdict, Status};

use crate::again::{again, guests};
use crate::bar::Bar;
use crate::finding::{self, Look};
use crate::gather::unwritten;
use crate::paint::Colour;
use crate::profile::{changes, defects, fixes};
use crate::run::{Breaks, Counts};
use crate::text::{WIDTH, count, cut, plain, wrapped};
use crate::waivers::idle;
use scrubjay_run::{Consumer, Guests, RunEvent};
use scrubjay_run::{ExitStatus, Tally};

/// Columns of a status word.
const STATUS: usize = 6;

/// Columns of a session's id, where it is no longer.
const ID: usize = 32;

/// Sessions of one reason that are named; more are counted.
const NAMED: usize = 3;

/// Writes text.
pub struct Terminal<W> {
    out: W,
    colour: Colour,
    promises: Promises,
    bar: Bar,
    policy: Policy,
    tally: Tally,
    last_error: Option<String>,
    /// What was told of the sessions of the kernel whose turn it is.
    told: BTreeMap<String, Status>,
    table: Vec<Row>,
}

/// A kernel in the last table.
struct Row {
    kernel: String,
    counts: Option<Counts>,
    breaks: Breaks,
}

impl Row {
    fn line(&self, width: usize) -> String {
        let Row { kernel, counts, breaks } = self;
        let Some(Counts { pass, waived, broken, error, skip }) = counts else {
            return format!("{kernel:width$}  nothing could be tested");
        };
        let Breaks { exempt, footgun, frozen } = breaks;
        format!(
            "{kernel:width$} {pass:>5} {waived:>6} {broken:>5} {error:>5} {skip:>5}           {exempt:>6} {footgun:>7} {frozen:>6}"
        )
    }
}

impl<W: Write> Terminal<W> {
    /// Writes to `out`; `promises` are what findings cite, `bar` is taken off the terminal meanwhile.
    pub fn new(out: W, colour: Colour, promises: Promises, bar: Bar) -> Self {
        Terminal {
            out,
            colour,
            promises,
            bar,
            policy: Policy::default(),
            tally: Tally::default(),
            last_error: None,
            told: BTreeMap::new(),
            table: Vec::new(),
        }
    }

    fn lines(&mut self, event: &RunEvent) -> Vec<String> {
        match event {
            RunEvent::RunStarted { policy, kernels, sessions, against, baseline } => {
                self.policy = *policy;
                let told = |what: &str, id: &Option<String>| {
                    id.as_ref().map(|id| format!("; {what} {id}")).unwrap_or_default()
                };
                vec![format!(
                    "{} on {}: {}{}{}; policy {} decides",
                    count(*sessions, "session"),
                    count(kernels.len(), "kernel"),
                    kernels.join(", "),
                    told("against", against),
                    told("baseline", baseline),
                    policy.name()
                )]
            }
            RunEvent::ReferenceStarted { .. } | RunEvent::ReferencePerformed => Vec::new(),
            RunEvent::Waivers { uses } => {
                let lines: Vec<_> = idle(uses).iter().flat_map(|text| wrapped("  ", text)).collect();
                let head = (!lines.is_empty()).then(|| [String::new(), "waivers to look at:".to_owned()]);
                head.into_iter().flatten().chain(lines).collect()
            }
            RunEvent::Note { text } => vec![plain(text)],
            RunEvent::ReportFailed { why } => wrapped("", &unwritten(why)),
            RunEvent::KernelStarted { kernel, .. } => {
                self.last_error = None;
                self.told.clear();
                vec![String::new(), self.colour.strong(&format!("kernel {kernel}"))]
            }
            RunEvent::SessionJudged { title, verdict, .. } => self.session(title, verdict),
            RunEvent::KernelJudged { verdict, nearest, not_checked, console_tail, guests } => {
                self.kernel(verdict, nearest.as_deref(), not_checked, console_tail.as_deref(), guests)
            }
            RunEvent::KernelFailed { kernel, why } => {
                self.table.push(Row { kernel: kernel.clone(), counts: None, breaks: Breaks::default() });
                let head = self.colour.strong(&format!("kernel {kernel}"));
                let mut lines = vec![String::new(), format!("{head}: nothing could be tested")];
                lines.extend(why.lines().flat_map(|line| wrapped("  ", &plain(line))));
                lines
            }
            RunEvent::RunFinished { cut } => self.end(*cut),
        }
    }

    fn session(&mut self, title: &str, verdict: &SessionVerdict) -> Vec<String> {
        let status = verdict.status(self.policy);
        self.told.insert(verdict.session.clone(), status);
        if status == Status::Skip {
            // Told together when the kernel is done: sixty of them have one reason.
            return Vec::new();
        }
        let mut findings: Vec<&Finding> = verdict.findings.iter().collect();
        findings.sort_by_key(|f| std::cmp::Reverse((f.waived.is_none(), f.severity.under(self.policy))));
        let error = verdict.error.as_deref();
        let told = match (status, findings.first(), error) {
            (Status::Break | Status::Error | Status::Waived, Some(first), _) => match findings.len() {
                1 => finding::brief(first),
                n => format!("{} (+{} more)", finding::brief(first), n - 1),
            },
            (_, _, Some(why)) if self.last_error.as_deref() == Some(why) => "as before".to_owned(),
            (_, _, Some(why)) => why.lines().next().unwrap_or_default().to_owned(),
            _ => title.to_owned(),
        };
        let head = format!("  {:STATUS$}{:ID$} ", "", verdict.session);
        let room = WIDTH.saturating_sub(head.len()).max(20);
        let word = self.colour.status(status, STATUS);
        let mut lines = vec![
            format!("  {word} {:ID$} {}", verdict.session, cut(&plain(&told), room)).trim_end().to_owned(),
        ];
        if let Some(why) = error.filter(|why| self.last_error.as_deref() != Some(*why)) {
            let first_told = findings.is_empty() && why.lines().next().is_some_and(|l| l.len() <= room);
            let rest = why.lines().skip(usize::from(first_told));
            lines.extend(rest.flat_map(|line| wrapped("         ", &plain(line))));
        }
        self.last_error = error.map(str::to_owned);
        for finding in findings {
            lines.extend(self.finding(finding));
        }
        lines
    }

    fn finding(&self, finding: &Finding) -> Vec<String> {
        let look = Look { promises: &self.promises, colour: self.colour, indent: "         " };
        finding::lines(finding, look)
    }

    fn kernel(
        &mut self,
        verdict: &KernelVerdict,
        nearest: Option<&str>,
        not_checked: &[String],
        console: Option<&str>,
        came_up: &Guests,
    ) -> Vec<String> {
        let mut lines = self.told_otherwise(verdict);
        for finding in &verdict.findings {
            let word = match finding.breaks(self.policy) {
                true => self.colour.status(Status::Break, STATUS),
                false => format!("{:STATUS$}", finding::weight(finding, self.policy)),
            };
            lines.push(format!("  {word} {:ID$} {}", finding::owner(finding), finding.rule));
            lines.extend(self.finding(finding));
        }
        lines.extend(self.skipped(verdict));
        if let Some(console) = console.filter(|_| is_bad(verdict, self.policy)) {
            lines.push("  the end of the console of the last guest that died:".to_owned());
            lines.extend(console.lines().map(|line| format!("    | {}", plain(line.trim_end()))));
        }
        let (counts, breaks) = (Counts::of(verdict, self.policy), Breaks::of(verdict));
        let release = if verdict.release.is_empty() { "never came up" } else { &verdict.release };
        lines.push(format!(
            "  {} ({release}): {} pass, {}{} break, {} error, {} skip",
            self.colour.strong(&verdict.kernel),
            counts.pass,
            if counts.waived > 0 { format!("{} waived, ", counts.waived) } else { String::new() },
            counts.broken,
            counts.error,
            counts.skip
        ));
        let told = Policy::ALL.map(|policy| format!("{} {}", policy.name(), breaks.under(policy)));
        lines.push(format!("    breaks    {}; {} decides", told.join(", "), self.policy.name()));
        let mut block = |name: &str, texts: &[String]| {
            for (i, text) in texts.iter().enumerate() {
                lines.extend(wrapped(&format!("    {:9} ", if i == 0 { name } else { "" }), text));
            }
        };
        block("changes", &changes(verdict, nearest));
        block("fixes", &fixes(verdict));
        block("defects", &defects(verdict));
        lines.extend(not_checked.iter().flat_map(|text| wrapped("    unchecked ", &plain(text))));
        lines.extend(guests(came_up).iter().flat_map(|text| wrapped("    guests    ", &plain(text))));
        lines.extend(again(&came_up.again).iter().flat_map(|text| wrapped("    again     ", &plain(text))));
        self.table.push(Row { kernel: verdict.kernel.clone(), counts: Some(counts), breaks });
        lines
    }

    /// The sessions that came to something else than was told of them: they disturbed others, as is known later.
    fn told_otherwise(&mut self, verdict: &KernelVerdict) -> Vec<String> {
        let policy = self.policy;
        let otherwise =
            |s: &&SessionVerdict| self.told.get(&s.session).is_some_and(|status| *status != s.status(policy));
        let sessions: Vec<_> = verdict.sessions.iter().filter(otherwise).cloned().collect();
        sessions.iter().flat_map(|session| self.session("", session)).collect()
    }

    /// The sessions that were skipped, a line for each reason.
    fn skipped(&self, verdict: &KernelVerdict) -> Vec<String> {
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for session in &verdict.sessions {
            if let (Status::Skip, Some(why)) = (session.status(self.policy), &session.skipped) {
                reasons.entry(why).or_default().push(session.session.clone());
            }
        }
        let word = self.colour.status(Status::Skip, STATUS);
        reasons
            .into_iter()
            .flat_map(|(why, sessions)| {
                let who = match sessions.len() {
                    n if n <= NAMED => sessions.join(", "),
                    n => count(n, "session"),
                };
                let mut lines = wrapped("         ", &format!("{who}: {}", plain(why)));
                if let Some(first) = lines.first_mut() {
                    *first = format!("  {word} {}", first.trim_start());
                }
                lines
            })
            .collect()
    }

    fn end(&mut self, cut: Option<ExitStatus>) -> Vec<String> {
        let mut lines = vec![String::new()];
        if cut.is_some() {
            lines.push("the run was cut short: what is missing was not tested".to_owned());
        }
        if self.table.len() > 1 {
            let width = self.table.iter().map(|row| row.kernel.len()).max().unwrap_or(0).max(6);
            let [exempt, footgun, frozen] = Policy::ALL.map(Policy::name);
            lines.push(format!(
                "{:width$}  pass waived break error  skip   breaks: {exempt} {footgun} {frozen}",
                "kernel"
            ));
            lines.extend(self.table.iter().map(|row| row.line(width)));
            lines.push(String::new());
        }
        let status = self.tally.exit_status();
        lines.push(format!("exit status {}: {}", status.number(), status.meaning()));
        lines
    }
}

/// Whether something is wrong that the last words of a guest may explain.
pub fn is_bad(verdict: &KernelVerdict, policy: Policy) -> bool {
    let counts = Counts::of(verdict, policy);
    counts.broken + counts.error > 0 || verdict.breaks(policy) > 0
}

impl<W: Write> Consumer for Terminal<W> {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        self.tally.event(event)?;
        self.bar.event(event)?;
        let lines = self.lines(event);
        let Terminal { out, bar, colour, .. } = self;
        bar.aside(|| {
            for line in lines {
                writeln!(out, "{}", colour.line(&line))?;
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
        assert_eq!(text.lines().find(|line| line.chars().count() > WIDTH), None);
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
        assert!(text.contains("  skip   60 sessions: this kernel has no lockdown\n"), "{text}");
    }

    #[test]
    fn one_error_of_many_sessions_is_told_once() {
        let sessions = (0..3).map(|i| errored(&format!("s{i}"))).collect();
        let text =
            written(&run_of(vec![of_kernel(kernel("7.3", Vec::new(), sessions), None, &[])]), Colour::Never);
        assert_eq!(
            (text.matches("went silent").count(), text.matches("as before").count()),
            (1, 2),
            "{text}"
        );
    }
}
