//! Reports that are written whole, when the run is over: also when it was interrupted.

use std::io::{self, Write};

use scrubjay_host::Output;
use scrubjay_host::words::plain;
use scrubjay_verdict::{Claims, Promises};
use serde::Serialize;

use crate::gather::Gather;
use crate::run::{Run, Times};
use crate::{
    github_annotations, github_summary, gitlab_code_quality, html, junit, kcidb, list, markdown, sarif,
};
use scrubjay_run::{Consumer, RunEvent};

/// Where a document goes.
pub enum Sink {
    /// A place that the user named.
    File(Output),
    /// A stream.
    Stream(Box<dyn Write + Send>),
}

impl Sink {
    fn write(&mut self, text: &str) -> io::Result<()> {
        match self {
            Sink::File(output) => Ok(output.write(text)?),
            Sink::Stream(out) => {
                out.write_all(text.as_bytes())?;
                out.flush()
            }
        }
    }
}

/// Gathers a run and writes it when it is finished.
pub struct Document {
    sink: Sink,
    gather: Gather,
    render: Render,
    /// The most kernels that a form takes, and whose limit that is.
    most: Option<(usize, &'static str)>,
}

type Render = Box<dyn Fn(&Run) -> io::Result<String> + Send>;

impl Document {
    /// Whatever `render` makes of a run.
    pub fn new(sink: Sink, render: impl Fn(&Run) -> io::Result<String> + Send + 'static) -> Self {
        Document { sink, gather: Gather::new(), render: Box::new(render), most: None }
    }

    /// `run.json`.
    pub fn json(sink: Sink) -> Self {
        Document::new(sink, pretty)
    }

    /// One HTML page; `promises` are what findings cite, `claims` which sessions stand for them.
    pub fn html(sink: Sink, promises: Promises, claims: Claims) -> Self {
        Document::new(sink, move |run| Ok(html::page(run, &promises, &claims)))
    }

    /// JUnit XML.
    pub fn junit(sink: Sink, promises: Promises) -> Self {
        Document::new(sink, move |run| junit::text(run, &promises))
    }

    /// SARIF; a run of more kernels than may be uploaded is refused when it starts.
    pub fn sarif(sink: Sink, promises: Promises) -> Self {
        let document = Document::new(sink, move |run| pretty(&sarif::log(run, &promises)));
        Document { most: Some((sarif::MOST_RUNS, "GitHub takes in a SARIF file")), ..document }
    }

    /// GitLab's code quality.
    pub fn gitlab_code_quality(sink: Sink, promises: Promises) -> Self {
        Document::new(sink, move |run| pretty(&gitlab_code_quality::issues(run, &promises)))
    }

    /// GitHub's annotations.
    pub fn github_annotations(sink: Sink, promises: Promises) -> Self {
        Document::new(sink, move |run| Ok(github_annotations::text(run, &promises)))
    }

    /// GitHub's step summary.
    pub fn github_summary(sink: Sink, promises: Promises) -> Self {
        Document::new(sink, move |run| Ok(github_summary::text(run, &promises)))
    }

    /// What KernelCI's database takes.
    pub fn kcidb(sink: Sink, promises: Promises) -> Self {
        Document::new(sink, move |run| pretty(&kcidb::report(run, &promises)))
    }

    /// Plain text for a mailing list.
    pub fn list(sink: Sink, promises: Promises) -> Self {
        Document::new(sink, move |run| Ok(list::text(run, &promises)))
    }

    /// Markdown for a comment on a pull request.
    pub fn markdown(sink: Sink, promises: Promises) -> Self {
        Document::new(sink, move |run| Ok(markdown::text(run, &promises)))
    }

    /// The same for a run that is kept: its times are those that it had.
    #[must_use]
    pub fn of_kept(self, times: &Times) -> Self {
        Document { gather: Gather::of_kept(times), ..self }
    }
}

/// JSON that may be shown on a terminal.
fn pretty<T: Serialize>(value: &T) -> io::Result<String> {
    Ok(visible(&serde_json::to_string_pretty(value)?) + "\n")
}

/// JSON with what serde leaves as it is (DEL, controls of eight bits, overrides of direction) written as
/// escapes: it may be shown on a terminal. Outside strings there is none of that.
fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if c != '\n' && plain(c.encode_utf8(&mut [0; 4])).len() != c.len_utf8() => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            // A command of GitHub's, wherever it stands in a line of a log.
            '[' if out.ends_with("##") => out.push_str("\\u005b"),
            c => out.push(c),
        }
    }
    out
}

impl Consumer for Document {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        if let (RunEvent::RunStarted { kernels, .. }, Some((most, whose))) = (event, self.most)
            && kernels.len() > most
        {
            let asked = kernels.len();
            let why =
                format!("{most} kernels are the most that {whose}, and this run has {asked}; make it two");
            return Err(io::Error::other(why));
        }
        match self.gather.event(event)? {
            Some(run) => self.sink.write(&(self.render)(&run)?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use expect_test::expect_file;
    use rstest::rstest;
    use scrubjay_host::Signal;
    use scrubjay_session::file;

    use scrubjay_verdict::finding::Repeat;
    use scrubjay_verdict::{DefectState, WaiverState};

    use super::*;
    use crate::run::{Breaks, Counts, KernelState};
    use scrubjay_samples::{catalogue, clean, mixed, play};

    fn written(events: &[RunEvent]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out/run.json");
        play(events, &mut Document::json(Sink::File(Output::at(&path).unwrap())));
        (dir, path)
    }

    #[test]
    fn a_run_that_was_written_reads_back_the_same() {
        let (_dir, path) = written(&mixed());
        let run = Run::read(&path).unwrap();
        let again = path.with_file_name("again.json");
        file::write(&again, &run).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), fs::read_to_string(&again).unwrap());
        assert!(run.complete);
        assert_eq!((run.exit_status, run.kernels.len()), (1, 3));
        let first = &run.kernels[0];
        assert_eq!(first.counts, Counts { pass: 2, waived: 1, broken: 3, error: 2, skip: 1 });
        assert_eq!(first.breaks, Breaks { exempt: 1, footgun: 2, frozen: 3, own: None });
        assert_eq!(first.defects, [(DefectState::There, 2)].into());
        let findings = &first.verdict.as_ref().unwrap().sessions;
        let find = |id: &str| &findings.iter().find(|s| s.session == id).unwrap().findings[0];
        assert_eq!(find("get-long").repeat, Some(Repeat { seen: 3, of: 5 }));
        assert!(find("set-waived").waived.is_some());
        let states: Vec<_> = run.waivers.iter().map(|used| used.state).collect();
        assert_eq!(states, [WaiverState::Applied, WaiverState::Expired, WaiverState::Unmatched]);
        assert_eq!(first.sessions["lost-set"].title, "what lost-set pins");
        assert_eq!(run.kernels[2].state, KernelState::Failed);
        assert_eq!(run.times.session_millis["7.1"]["info-basic"], 10);
    }

    #[test]
    fn a_run_reads_as_expected() {
        let mut run = Gather::whole(&mixed());
        (run.times.started_unix_seconds, run.times.total_millis) = (1_790_000_000, 61_000);
        expect_file!["../tests/expected/mixed.run.json"].assert_eq(&pretty(&run).unwrap());
    }

    #[rstest]
    #[case::cut_off(
        "{\"format\": \"scrubjay.run/1\", \"comp",
        "it ends in the middle, and so was not written whole"
    )]
    #[case::empty("", "it ends in the middle")]
    #[case::of_another_program(
        "{\"version\": \"2.1.0\", \"runs\": []}",
        "no run of scrubjay: it has no `format`"
    )]
    #[case::no_object("[1, 2]", "no run of scrubjay")]
    #[case::another_form("{\"format\": \"scrubjay.bench/1\"}", "`scrubjay.bench/1` is not `scrubjay.run/1`")]
    #[case::no_json("<html>", "expected value")]
    fn what_is_no_run_is_refused_with_the_remedy(#[case] text: &str, #[case] said: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        fs::write(&path, text).unwrap();
        let why = Run::read(&path).unwrap_err().to_string();
        assert!(why.contains(said) && why.contains("run.json:"), "{why}");
    }

    #[test]
    fn more_kernels_than_may_be_uploaded_are_refused_when_a_run_starts() {
        let mut events = mixed();
        let RunEvent::RunStarted { kernels, .. } = &mut events[0] else { panic!("the first event") };
        *kernels = (0..=sarif::MOST_RUNS).map(|n| n.to_string()).collect();
        let mut document = Document::sarif(Sink::Stream(Box::new(io::sink())), catalogue());
        let why = document.event(&events[0]).unwrap_err().to_string();
        assert_eq!(
            why,
            "20 kernels are the most that GitHub takes in a SARIF file, and this run has 21; make it two"
        );
    }

    #[test]
    fn an_unknown_field_is_refused_with_its_place() {
        let (_dir, path) = written(&clean());
        let text = fs::read_to_string(&path).unwrap().replacen("\"state\"", "\"stat\"", 1);
        fs::write(&path, text).unwrap();
        let error = Run::read(&path).unwrap_err().to_string();
        assert!(error.contains("kernels[0]") && error.contains("unknown field `stat`"), "{error}");
    }

    #[test]
    fn another_version_is_refused() {
        let (_dir, path) = written(&clean());
        let text = fs::read_to_string(&path).unwrap().replacen("scrubjay.run/1", "scrubjay.run/2", 1);
        fs::write(&path, text).unwrap();
        assert!(Run::read(&path).unwrap_err().to_string().contains("`scrubjay.run/2` is not"));
    }

    #[test]
    fn two_runs_differ_in_times_and_the_kernels_words_alone() {
        let mut other = mixed();
        for event in &mut other {
            match event {
                RunEvent::SessionJudged { millis, .. } => *millis += 7,
                RunEvent::KernelJudged { verdict, console_tail, .. } => {
                    *console_tail = Some("[    1.5] other address".into());
                    for finding in verdict.sessions.iter_mut().flat_map(|s| &mut s.findings) {
                        finding.log.push("RIP: 0010:0xffff".into());
                    }
                }
                _ => {}
            }
        }
        let ((_one, one), (_two, two)) = (written(&mixed()), written(&other));
        let (one, two) = (Run::read(&one).unwrap(), Run::read(&two).unwrap());
        assert_ne!(one, two);
        assert_eq!(one.comparable(), two.comparable());
        assert!(one.evidence["7.1"].logs.values().any(|lines| lines[0].starts_with("BUG: ")));
    }

    #[test]
    fn an_interrupted_run_is_written_with_what_there_is_and_says_so() {
        let mut events = mixed();
        events.truncate(5);
        events
            .push(RunEvent::RunFinished { cut: Some(scrubjay_run::ExitStatus::Interrupted(Signal::SIGINT)) });
        let (_dir, path) = written(&events);
        let run = Run::read(&path).unwrap();
        assert!(!run.complete);
        assert_eq!(run.exit_status, 130);
        assert_eq!((run.kernels.len(), run.kernels[0].state), (1, KernelState::Interrupted));
        assert_eq!(run.kernels[0].sessions.len(), 2);
    }

    #[test]
    fn a_report_that_cannot_be_written_is_an_error_that_names_the_file() {
        let mut document = Document::json(Sink::File(Output::at("/dev/full".as_ref()).unwrap()));
        let error = document.event(&RunEvent::RunFinished { cut: None }).unwrap_err();
        assert!(error.to_string().contains("/dev/full"), "{error}");
    }
}
