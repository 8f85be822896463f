//! What a run's exit status is: the one place that says so.

use std::io;
use std::process::{ExitCode, Termination};

use scrubjay_verdict::{Finding, Policy, SessionVerdict, Status};

use crate::event::{Consumer, RunEvent};

/// The rule for a difference that no rule names: a gap of the suite, not of the kernel.
const UNCLASSIFIED: &str = "unclassified";

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: no break, and everything that applies was tested.
    Clean,
    /// 1: at least one break under the policy asked for.
    Broken,
    /// 2: wrong usage or a bad input file.
    Usage,
    /// 3: no break, but something could not be tested.
    Untested,
    /// 130: ended by Ctrl-C.
    Interrupted,
}

impl ExitStatus {
    /// All of them.
    pub const ALL: [ExitStatus; 5] = [
        ExitStatus::Clean,
        ExitStatus::Broken,
        ExitStatus::Usage,
        ExitStatus::Untested,
        ExitStatus::Interrupted,
    ];

    /// The number.
    pub fn number(self) -> u8 {
        match self {
            ExitStatus::Clean => 0,
            ExitStatus::Broken => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Untested => 3,
            ExitStatus::Interrupted => 130,
        }
    }

    /// What it means, in one line: help, man page and the book are made from this.
    pub fn meaning(self) -> &'static str {
        match self {
            ExitStatus::Clean => "no break, and everything that applies was tested",
            ExitStatus::Broken => "at least one break under the chosen policy",
            ExitStatus::Usage => "wrong usage or a bad input file",
            ExitStatus::Untested => "no break, but something could not be tested",
            ExitStatus::Interrupted => "interrupted",
        }
    }
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(self.number())
    }
}

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
    /// break wins over what could not be tested; a skip counts for nothing.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Tally { cut: Some(ExitStatus::Interrupted), .. } => ExitStatus::Interrupted,
            Tally { broken: true, .. } => ExitStatus::Broken,
            Tally { cut: Some(status), .. } => *status,
            Tally { untested: true, .. } => ExitStatus::Untested,
            _ => ExitStatus::Clean,
        }
    }

    fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            let ours = finding.rule == UNCLASSIFIED;
            self.untested |= ours;
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
            RunEvent::KernelJudged { verdict, .. } => {
                self.findings(&verdict.findings);
                verdict.sessions.iter().for_each(|session| self.session(session));
            }
            RunEvent::KernelFailed { .. } => self.untested = true,
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::samples::{absence, errored, finding, kernel, passed, skipped, waived, with};

    fn run(
        policy: Policy,
        sessions: Vec<SessionVerdict>,
        whole: Vec<Finding>,
        tail: &[RunEvent],
    ) -> ExitStatus {
        let mut tally = Tally::default();
        let started = RunEvent::RunStarted {
            policy,
            kernels: vec!["7.3".into()],
            sessions: sessions.len(),
            against: None,
            baseline: None,
        };
        let judged = RunEvent::KernelJudged {
            verdict: kernel("7.3", whole, sessions),
            nearest: None,
            not_checked: Vec::new(),
            console_tail: None,
        };
        for event in [&started, &judged].into_iter().chain(tail) {
            tally.event(event).unwrap();
        }
        tally.exit_status()
    }

    #[rstest]
    #[case::all_passed(vec![passed("a"), passed("b")], 0)]
    #[case::a_skip_is_no_error(vec![passed("a"), skipped("b")], 0)]
    #[case::nothing_but_skips(vec![skipped("b")], 0)]
    #[case::a_break(vec![passed("a"), with("b", vec![finding("set-blocked", "H06")])], 1)]
    #[case::an_error(vec![passed("a"), errored("b")], 3)]
    #[case::a_break_wins_over_an_error(vec![errored("a"), with("b", vec![finding("set-blocked", "H06")])], 1)]
    #[case::a_break_and_an_error_in_one(
        vec![SessionVerdict { error: Some("guest died".into()), ..with("b", vec![finding("set-blocked", "H06")]) }], 1)]
    #[case::a_gap_of_the_suite(vec![with("a", vec![finding("unclassified", "H06")])], 3)]
    #[case::a_break_beside_a_gap(
        vec![with("a", vec![finding("unclassified", "H06"), finding("set-blocked", "H06")])], 1)]
    #[case::a_break_that_is_waived(vec![waived("a")], 0)]
    #[case::a_break_beside_one_that_is_waived(
        vec![SessionVerdict { findings: vec![finding("set-blocked", "H06"), waived("a").findings[0].clone()], ..waived("a") }], 1)]
    #[case::only_a_warning(vec![with("a", vec![finding("return-changed", "B14")])], 0)]
    fn sessions_decide_the_exit_status(#[case] sessions: Vec<SessionVerdict>, #[case] expected: u8) {
        assert_eq!(run(Policy::Frozen, sessions, Vec::new(), &[]).number(), expected);
    }

    #[rstest]
    #[case(Policy::Exempt, 0)]
    #[case(Policy::Footgun, 1)]
    #[case(Policy::Frozen, 1)]
    fn the_chosen_policy_decides(#[case] policy: Policy, #[case] expected: u8) {
        // A blocked write weighs `warn` under exempt.
        let sessions = vec![with("a", vec![finding("set-blocked", "H06")])];
        assert_eq!(run(policy, sessions, Vec::new(), &[]).number(), expected);
    }

    #[rstest]
    #[case::unexpected(None, 1)]
    #[case::expected(Some("before fwctl"), 0)]
    fn a_kernel_without_fwctl_breaks_where_it_is_not_expected(
        #[case] expected_absent: Option<&str>,
        #[case] status: u8,
    ) {
        let whole = vec![absence(expected_absent)];
        assert_eq!(run(Policy::Frozen, vec![skipped("a")], whole, &[]).number(), status);
    }

    #[rstest]
    #[case(ExitStatus::Interrupted, 130)]
    #[case(ExitStatus::Untested, 1)]
    #[case(ExitStatus::Usage, 1)]
    fn of_a_run_that_was_cut_a_break_remains_and_an_interruption_wins(
        #[case] cut: ExitStatus,
        #[case] expected: u8,
    ) {
        let sessions = vec![with("a", vec![finding("set-blocked", "H06")])];
        let end = [RunEvent::RunFinished { cut: Some(cut) }];
        assert_eq!(run(Policy::Frozen, sessions, Vec::new(), &end).number(), expected);
    }

    #[rstest]
    #[case::a_kernel_that_failed(RunEvent::KernelFailed { kernel: "7.2".into(), why: "no image".into() }, 3)]
    #[case::an_interruption(RunEvent::RunFinished { cut: Some(ExitStatus::Interrupted) }, 130)]
    #[case::an_error(RunEvent::RunFinished { cut: Some(ExitStatus::Untested) }, 3)]
    #[case::a_bad_file(RunEvent::RunFinished { cut: Some(ExitStatus::Usage) }, 2)]
    #[case::an_end(RunEvent::RunFinished { cut: None }, 0)]
    fn what_comes_after_a_good_kernel_counts_too(#[case] event: RunEvent, #[case] expected: u8) {
        assert_eq!(run(Policy::Frozen, vec![passed("a")], Vec::new(), &[event]).number(), expected);
    }
}
