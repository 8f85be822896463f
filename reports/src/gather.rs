//! Gathers a run from its events, for the reports that are written when it is over. Knows no format.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use scrubjay_verdict::{ChangeProfile, Finding, KernelVerdict, OwnPolicy, Policy, WaiverUse, causes};

use crate::run::{
    Asked, Breaks, Counts, Evidence, FORMAT, KernelReport, KernelState, Run, SessionSummary, Times,
    TriedAgain,
};
use scrubjay_run::Tally;
use scrubjay_run::{Consumer, RunEvent};

/// What has happened of a run so far.
pub struct Gather {
    begun: Instant,
    /// How long the run took, where that is known beforehand.
    took: Option<u64>,
    policy: Policy,
    own_policy: Option<OwnPolicy>,
    tally: Tally,
    notes: Vec<String>,
    kernels: Vec<KernelReport>,
    asked: Asked,
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
    about: BTreeMap<String, About>,
}

/// What is known of a session beside its verdict.
#[derive(Clone, Default)]
struct About {
    title: String,
    area: String,
}

impl Gather {
    /// Of a run that starts now.
    pub fn new() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Gather {
            begun: Instant::now(),
            took: None,
            policy: Policy::default(),
            own_policy: None,
            tally: Tally::default(),
            notes: Vec::new(),
            kernels: Vec::new(),
            asked: Asked::default(),
            against: None,
            baseline: None,
            waivers: Vec::new(),
            evidence: BTreeMap::new(),
            times: Times { started_unix_seconds: started.as_secs(), ..Times::default() },
            current: None,
        }
    }

    /// The policy that decides.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Of a run that is kept, and had these times.
    pub fn of_kept(times: &Times) -> Self {
        let mut gather = Gather::new();
        gather.took = Some(times.total_millis);
        gather.times.started_unix_seconds = times.started_unix_seconds;
        gather
    }

    /// The run that these events were.
    #[cfg(test)]
    pub fn whole(events: &[RunEvent]) -> Run {
        let mut gather = Gather::new();
        let run = events.iter().find_map(|event| gather.event(event).expect("it writes nothing"));
        run.expect("the last event finishes it")
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
            about: BTreeMap::new(),
        })
    }

    fn close(&mut self, mut report: KernelReport, about: &BTreeMap<String, About>) {
        if let Some(verdict) = &mut report.verdict {
            report.counts = Counts::of(verdict, self.policy);
            report.breaks = Breaks::of(verdict, self.policy);
            for seen in verdict.sessions.iter().flat_map(|session| &session.defects) {
                *report.defects.entry(seen.state).or_default() += 1;
            }
            report.sessions = summaries(verdict, about, self.policy);
            report.causes = causes(verdict);
            let logs = take_logs(verdict);
            if !logs.is_empty() {
                self.evidence.entry(report.kernel.clone()).or_default().logs = logs;
            }
        }
        self.kernels.push(report);
    }

    /// The kernel whose turn it was when the run was ended.
    fn close_interrupted(&mut self) {
        if let Some(Current { verdict, about }) = self.current.take() {
            let report = empty(verdict.kernel.clone(), KernelState::Interrupted);
            self.close(KernelReport { verdict: Some(verdict), ..report }, &about);
        }
    }

    fn finish(&mut self, complete: bool) -> Run {
        self.close_interrupted();
        self.times.total_millis = self.took.unwrap_or_else(|| self.begun.elapsed().as_millis() as u64);
        Run {
            format: FORMAT.to_owned(),
            complete,
            policy: self.policy,
            own_policy: self.own_policy.clone(),
            against: self.against.clone(),
            baseline: self.baseline.clone(),
            asked: mem::take(&mut self.asked),
            exit_status: self.tally.exit_status().number(),
            notes: mem::take(&mut self.notes),
            kernels: mem::take(&mut self.kernels),
            waivers: mem::take(&mut self.waivers),
            evidence: mem::take(&mut self.evidence),
            times: mem::take(&mut self.times),
        }
    }

    /// Takes one event. The last one gives the run, whole or as far as it came.
    ///
    /// # Errors
    /// None of its own.
    pub fn event(&mut self, event: &RunEvent) -> io::Result<Option<Run>> {
        self.tally.event(event)?;
        match event {
            RunEvent::RunStarted {
                policy,
                own_policy,
                kernels,
                sessions,
                shard,
                against,
                baseline,
                require_fixes,
            } => {
                self.policy = *policy;
                self.own_policy.clone_from(own_policy);
                self.asked = Asked {
                    kernels: kernels.clone(),
                    sessions: sessions.clone(),
                    shard: shard.map(|shard| shard.to_string()),
                    require_fixes: *require_fixes,
                };
                self.against.clone_from(against);
                self.baseline.clone_from(baseline);
            }
            RunEvent::ReferenceStarted { .. } | RunEvent::ReferencePerformed => {}
            RunEvent::Waivers { uses } => self.waivers.clone_from(uses),
            RunEvent::Note { text } => self.notes.push(text.clone()),
            RunEvent::ReportFailed { why } => self.notes.push(unwritten(why)),
            RunEvent::KernelStarted { kernel, .. } => {
                self.close_interrupted();
                self.start(kernel);
            }
            RunEvent::SessionJudged { kernel, title, area, verdict, millis } => {
                let current = self.start(kernel);
                let about = About { title: title.clone(), area: area.clone() };
                current.about.insert(verdict.session.clone(), about);
                current.verdict.sessions.push(verdict.clone());
                let times = self.times.session_millis.entry(kernel.clone()).or_default();
                times.insert(verdict.session.clone(), *millis);
            }
            RunEvent::KernelJudged { verdict, nearest, not_checked, console_tail, guests } => {
                let about = self.current.take().map(|current| current.about).unwrap_or_default();
                let kernel = &verdict.kernel;
                if let Some(tail) = console_tail {
                    self.evidence.entry(kernel.clone()).or_default().console_tail = Some(tail.clone());
                }
                let report = KernelReport {
                    nearest_release: nearest.clone(),
                    not_checked: not_checked.clone(),
                    tried_again: guests.again.iter().map(TriedAgain::from).collect(),
                    guests: Some(guests.as_ref().into()),
                    verdict: Some(verdict.clone()),
                    ..empty(kernel.clone(), KernelState::Judged)
                };
                self.close(report, &about);
            }
            RunEvent::KernelFailed { kernel, why } => {
                self.current = None;
                let report = empty(kernel.clone(), KernelState::Failed);
                self.close(KernelReport { why: Some(why.clone()), ..report }, &BTreeMap::new());
            }
            RunEvent::RunFinished { cut } => return Ok(Some(self.finish(cut.is_none()))),
        }
        Ok(None)
    }
}

/// What a note of a report that could not be written begins with.
const UNWRITTEN: &str = "a report could not be written: ";

/// What is told of a report that could not be written.
pub fn unwritten(why: &str) -> String {
    format!("{UNWRITTEN}{why}")
}

/// Why a report could not be written, where a note says that of one.
pub fn of_unwritten(note: &str) -> Option<&str> {
    note.strip_prefix(UNWRITTEN)
}

/// A kernel of which nothing is known.
pub fn empty(kernel: String, state: KernelState) -> KernelReport {
    KernelReport {
        kernel,
        state,
        why: None,
        counts: Counts::default(),
        breaks: Breaks::default(),
        defects: BTreeMap::new(),
        nearest_release: None,
        not_checked: Vec::new(),
        tried_again: Vec::new(),
        guests: None,
        sessions: BTreeMap::new(),
        causes: Vec::new(),
        verdict: None,
    }
}

fn summaries(
    verdict: &KernelVerdict,
    about: &BTreeMap<String, About>,
    policy: Policy,
) -> BTreeMap<String, SessionSummary> {
    let summary = |session: &scrubjay_verdict::SessionVerdict| {
        let About { title, area } = about.get(&session.session).cloned().unwrap_or_default();
        SessionSummary { title, area, status: session.status(policy) }
    };
    verdict.sessions.iter().map(|session| (session.session.clone(), summary(session))).collect()
}

/// Takes the kernel's words out of the findings.
fn take_logs(verdict: &mut KernelVerdict) -> BTreeMap<String, Vec<String>> {
    let all = verdict.findings.iter_mut().chain(verdict.sessions.iter_mut().flat_map(|s| &mut s.findings));
    let take = |finding: &mut Finding| (finding.fingerprint.clone(), mem::take(&mut finding.log));
    all.filter(|finding| !finding.log.is_empty()).map(take).collect()
}
