//! What a run's exit status is: the one place that says so. Knows no format.

use std::io;

use scrubjay_session::modules_refused;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Finding, KernelVerdict, Policy, SessionVerdict, Severity, Status};

use crate::event::{Consumer, RunEvent};
use crate::status::ExitStatus;

/// What counts for the exit status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    policy: Policy,
    broken: bool,
    untested: bool,
    cut: Option<ExitStatus>,
}

impl Tally {
    /// The exit status of what was tallied.
    ///
    /// A run that was interrupted says nothing of the sessions it did not come to, so that wins; a
    /// break wins over what could not be tested; a skip counts for nothing, unless a kernel has nothing else:
    /// then nothing of it was tested. That its manifest says so ([`Fwctl::Absent`]) is asking for it.
    ///
    /// [`Fwctl::Absent`]: scrubjay_verdict::Expectation::absent
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Tally { cut: Some(status @ ExitStatus::Interrupted(_)), .. } => *status,
            Tally { broken: true, .. } => ExitStatus::Broken,
            Tally { cut: Some(status), .. } => *status,
            Tally { untested: true, .. } => ExitStatus::Untested,
            _ => ExitStatus::Clean,
        }
    }

    fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            // A gap of the suite, not of the kernel.
            let ours = finding.rule == id::UNCLASSIFIED;
            self.untested |= ours || finding.unsettled;
            self.broken |= !ours && finding.breaks(self.policy);
        }
    }

    fn session(&mut self, verdict: &SessionVerdict) {
        self.findings(&verdict.findings);
        self.untested |= verdict.error.is_some() || verdict.status(self.policy) == Status::Error;
    }
}

impl Consumer for Tally {
    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        match event {
            RunEvent::RunStarted { policy, .. } => *self = Tally { policy: *policy, ..Tally::default() },
            RunEvent::SessionJudged { verdict, .. } => self.session(verdict),
            RunEvent::KernelJudged { verdict, not_checked, .. } => {
                self.untested |= modules_refused(not_checked).next().is_some();
                self.findings(&verdict.findings);
                verdict.sessions.iter().for_each(|session| self.session(session));
                self.untested |= nothing_tested(verdict, self.policy);
            }
            RunEvent::KernelFailed { .. } | RunEvent::ReportFailed { .. } => self.untested = true,
            RunEvent::RunFinished { cut } => self.cut = *cut,
            RunEvent::Note { .. }
            | RunEvent::ReferenceStarted { .. }
            | RunEvent::ReferencePerformed
            | RunEvent::KernelStarted { .. }
            | RunEvent::Waivers { .. } => {}
        }
        Ok(())
    }
}

/// Whether nothing of a kernel was tested, and nobody said beforehand that there is nothing to test.
pub fn nothing_tested(verdict: &KernelVerdict, policy: Policy) -> bool {
    let is_skip = |session: &SessionVerdict| session.status(policy) == Status::Skip;
    let expected =
        |finding: &Finding| finding.rule == id::FWCTL_ABSENT && finding.severity.frozen == Severity::Note;
    verdict.sessions.iter().all(is_skip) && !verdict.findings.iter().any(expected)
}
