//! Writes `run.json`, whole and at the end: also when the run was interrupted.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::mem;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use scrubjay_session::file;
use scrubjay_verdict::{ChangeProfile, Finding, KernelVerdict, Policy, WaiverUse};

use crate::event::{Consumer, RunEvent};
use crate::exit::Tally;
use crate::run::{Breaks, Counts, Evidence, FORMAT, KernelReport, KernelState, Run, SessionSummary, Times};

/// Where the report goes.
pub enum Sink {
    /// A file, which is replaced by a whole one or left as it was.
    File(PathBuf),
    /// A stream.
    Stream(Box<dyn Write + Send>),
}

/// Gathers a run and writes it when it is finished.
pub struct Json {
    sink: Sink,
    begun: Instant,
    policy: Policy,
    tally: Tally,
    notes: Vec<String>,
    kernels: Vec<KernelReport>,
    against: Option<String>,
    baseline: Option<String>,
    waivers: Vec<WaiverUse>,
    evidence: BTreeMap<String, Evidence>,
    times: Times,
    current: Option<Current>,
}

/// A kernel whose turn it is.
struct Current {
    verdict: KernelVerdict,
    titles: BTreeMap<String, String>,
}

impl Json {
    /// Writes to `sink`.
    pub fn new(sink: Sink) -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Json {
            sink,
            begun: Instant::now(),
            policy: Policy::default(),
            tally: Tally::default(),
            notes: Vec::new(),
            kernels: Vec::new(),
            against: None,
            baseline: None,
            waivers: Vec::new(),
            evidence: BTreeMap::new(),
            times: Times { started_unix_seconds: started.as_secs(), ..Times::default() },
            current: None,
        }
    }

    fn start(&mut self, kernel: &str) -> &mut Current {
        self.current.get_or_insert_with(|| Current {
            verdict: KernelVerdict {
                kernel: kernel.to_owned(),
                release: String::new(),
                findings: Vec::new(),
                sessions: Vec::new(),
                changes: ChangeProfile::default(),
            },
            titles: BTreeMap::new(),
        })
    }

    fn close(&mut self, mut report: KernelReport, titles: &BTreeMap<String, String>) {
        if let Some(verdict) = &mut report.verdict {
            report.counts = Counts::of(verdict, self.policy);
            report.breaks = Breaks::of(verdict);
            for seen in verdict.sessions.iter().flat_map(|session| &session.defects) {
                *report.defects.entry(seen.state).or_default() += 1;
            }
            report.sessions = summaries(verdict, titles, self.policy);
            let logs = take_logs(verdict);
            if !logs.is_empty() {
                self.evidence.entry(report.kernel.clone()).or_default().logs = logs;
            }
        }
        self.kernels.push(report);
    }

    /// The kernel whose turn it was when the run was ended.
    fn close_interrupted(&mut self) {
        if let Some(Current { verdict, titles }) = self.current.take() {
            let report = empty(verdict.kernel.clone(), KernelState::Interrupted);
            self.close(KernelReport { verdict: Some(verdict), ..report }, &titles);
        }
    }

    fn write(&mut self, complete: bool) -> io::Result<()> {
        self.close_interrupted();
        self.times.total_millis = self.begun.elapsed().as_millis() as u64;
        let run = Run {
            format: FORMAT.to_owned(),
            complete,
            policy: self.policy,
            against: self.against.clone(),
            baseline: self.baseline.clone(),
            exit_status: self.tally.exit_status().number(),
            notes: mem::take(&mut self.notes),
            kernels: mem::take(&mut self.kernels),
            waivers: mem::take(&mut self.waivers),
            evidence: mem::take(&mut self.evidence),
            times: mem::take(&mut self.times),
        };
        match &mut self.sink {
            Sink::File(path) => file::write(path, &run).map_err(|error| match error {
                file::FileError::Io { path, source } => {
                    io::Error::new(source.kind(), format!("{}: {source}", path.display()))
                }
                other => io::Error::other(other),
            }),
            Sink::Stream(out) => {
                let mut text = serde_json::to_string_pretty(&run)?;
                text.push('\n');
                out.write_all(text.as_bytes())?;
                out.flush()
            }
        }
    }
}

fn empty(kernel: String, state: KernelState) -> KernelReport {
    KernelReport {
        kernel,
        state,
        why: None,
        counts: Counts::default(),
        breaks: Breaks::default(),
        defects: BTreeMap::new(),
        nearest_release: None,
        not_checked: Vec::new(),
        sessions: BTreeMap::new(),
        verdict: None,
    }
}

fn summaries(
    verdict: &KernelVerdict,
    titles: &BTreeMap<String, String>,
    policy: Policy,
) -> BTreeMap<String, SessionSummary> {
    let summary = |session: &scrubjay_verdict::SessionVerdict| SessionSummary {
        title: titles.get(&session.session).cloned().unwrap_or_default(),
        status: session.status(policy),
    };
    verdict.sessions.iter().map(|session| (session.session.clone(), summary(session))).collect()
}

/// Takes the kernel's words out of the findings.
fn take_logs(verdict: &mut KernelVerdict) -> BTreeMap<String, Vec<String>> {
    let all = verdict.findings.iter_mut().chain(verdict.sessions.iter_mut().flat_map(|s| &mut s.findings));
    let take = |finding: &mut Finding| (finding.fingerprint.clone(), mem::take(&mut finding.log));
    all.filter(|finding| !finding.log.is_empty()).map(take).collect()
}

impl Consumer for Json {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        self.tally.event(event)?;
        match event {
            RunEvent::RunStarted { policy, against, baseline, .. } => {
                self.policy = *policy;
                self.against.clone_from(against);
                self.baseline.clone_from(baseline);
            }
            RunEvent::ReferenceStarted { .. } | RunEvent::ReferencePerformed => {}
            RunEvent::Waivers { uses } => self.waivers.clone_from(uses),
            RunEvent::Note { text } => self.notes.push(text.clone()),
            RunEvent::KernelStarted { kernel, .. } => {
                self.close_interrupted();
                self.start(kernel);
            }
            RunEvent::SessionJudged { kernel, title, verdict, millis } => {
                let current = self.start(kernel);
                current.titles.insert(verdict.session.clone(), title.clone());
                current.verdict.sessions.push(verdict.clone());
                let times = self.times.session_millis.entry(kernel.clone()).or_default();
                times.insert(verdict.session.clone(), *millis);
            }
            RunEvent::KernelJudged { verdict, nearest, not_checked, console_tail } => {
                let titles = self.current.take().map(|current| current.titles).unwrap_or_default();
                let kernel = &verdict.kernel;
                if let Some(tail) = console_tail {
                    self.evidence.entry(kernel.clone()).or_default().console_tail = Some(tail.clone());
                }
                let report = KernelReport {
                    nearest_release: nearest.clone(),
                    not_checked: not_checked.clone(),
                    verdict: Some(verdict.clone()),
                    ..empty(kernel.clone(), KernelState::Judged)
                };
                self.close(report, &titles);
            }
            RunEvent::KernelFailed { kernel, why } => {
                self.current = None;
                let report = empty(kernel.clone(), KernelState::Failed);
                self.close(KernelReport { why: Some(why.clone()), ..report }, &BTreeMap::new());
            }
            RunEvent::RunFinished { cut } => self.write(cut.is_none())?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use scrubjay_verdict::finding::Repeat;
    use scrubjay_verdict::{DefectState, WaiverState};

    use super::*;
    use crate::samples::{clean, mixed, play};

    fn written(events: &[RunEvent]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out/run.json");
        play(events, &mut Json::new(Sink::File(path.clone())));
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
        assert_eq!(find("get-long").repeat, Some(Repeat { seen: 1, of: 3 }));
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
        events.push(RunEvent::RunFinished { cut: Some(crate::ExitStatus::Interrupted) });
        let (_dir, path) = written(&events);
        let run = Run::read(&path).unwrap();
        assert!(!run.complete);
        assert_eq!(run.exit_status, 130);
        assert_eq!((run.kernels.len(), run.kernels[0].state), (1, KernelState::Interrupted));
        assert_eq!(run.kernels[0].sessions.len(), 2);
    }

    #[test]
    fn a_report_that_cannot_be_written_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        fs::create_dir(&path).unwrap();
        let mut json = Json::new(Sink::File(path.clone()));
        let error = json.event(&RunEvent::RunFinished { cut: None }).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
