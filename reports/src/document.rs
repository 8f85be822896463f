//! Reports that are written whole, when the run is over: also when it was interrupted.

use std::io::{self, Write};

use scrubjay_host::Output;
use scrubjay_host::words::plain;
use scrubjay_verdict::{Claims, Promises};

use crate::gather::Gather;
use crate::html;
use crate::run::Run;
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
    form: Form,
}

enum Form {
    Json,
    Html { promises: Promises, claims: Claims },
}

impl Document {
    /// `run.json`.
    pub fn json(sink: Sink) -> Self {
        Document { sink, gather: Gather::new(), form: Form::Json }
    }

    /// One HTML page; `promises` are what findings cite, `claims` which sessions stand for them.
    pub fn html(sink: Sink, promises: Promises, claims: Claims) -> Self {
        Document { sink, gather: Gather::new(), form: Form::Html { promises, claims } }
    }

    fn text(&self, run: &Run) -> io::Result<String> {
        Ok(match &self.form {
            Form::Json => visible(&serde_json::to_string_pretty(run)?) + "\n",
            Form::Html { promises, claims } => html::page(run, promises, claims),
        })
    }
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
            c => out.push(c),
        }
    }
    out
}

impl Consumer for Document {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        match self.gather.event(event)? {
            Some(run) => {
                let text = self.text(&run)?;
                self.sink.write(&text)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use scrubjay_host::Signal;
    use scrubjay_session::file;

    use scrubjay_verdict::finding::Repeat;
    use scrubjay_verdict::{DefectState, WaiverState};

    use super::*;
    use crate::run::{Breaks, Counts, KernelState};
    use scrubjay_samples::{clean, mixed, play};

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
        assert_eq!(first.breaks, Breaks { exempt: 1, footgun: 2, frozen: 3 });
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
