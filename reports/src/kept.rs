//! A run that is kept, as the events that it was: whoever shows a run shows a kept one too. The order in which its
//! sessions came, and the place of its notes, is not kept; all else is.

use std::collections::BTreeMap;

use scrubjay_run::{Again, ExitStatus, Guests, RunEvent};
use scrubjay_verdict::{Finding, KernelVerdict};

use crate::gather::{Gather, of_unwritten};
use crate::run::{KernelReport, KernelState, Run};

/// The events of a run that is kept.
pub fn events(run: &Run) -> Vec<RunEvent> {
    let mut events = vec![RunEvent::RunStarted {
        policy: run.policy,
        own_policy: run.own_policy.clone(),
        kernels: run.asked.kernels.clone(),
        sessions: run.asked.sessions.clone(),
        shard: run.asked.shard(),
        against: run.against.clone(),
        baseline: run.baseline.clone(),
        require_fixes: run.asked.require_fixes,
    }];
    events.extend(run.notes.iter().map(|note| match of_unwritten(note) {
        Some(why) => RunEvent::ReportFailed { why: why.to_owned() },
        None => RunEvent::Note { text: note.clone() },
    }));
    events.extend(run.kernels.iter().flat_map(|kernel| of_kernel(run, kernel)));
    if !run.waivers.is_empty() {
        events.push(RunEvent::Waivers { uses: run.waivers.clone() });
    }
    // What ended it is known where that decided how it ended; else only that something did.
    let cut = (!run.complete).then(|| match ExitStatus::of(run.exit_status) {
        Some(status @ (ExitStatus::Interrupted(_) | ExitStatus::Usage)) => status,
        _ => ExitStatus::Untested,
    });
    events.push(RunEvent::RunFinished { cut });
    events
}

/// A run that was put together or judged once more, with the counts, causes and exit status of what it came to.
pub(crate) fn counted(run: Run) -> Run {
    let mut gather = Gather::of_kept(&run.times);
    let counted = events(&run).iter().find_map(|event| gather.event(event).ok().flatten());
    counted.unwrap_or(run)
}

fn of_kernel(run: &Run, report: &KernelReport) -> Vec<RunEvent> {
    let kernel = report.kernel.clone();
    let Some(verdict) = &report.verdict else {
        let why = report.why.clone().unwrap_or_default();
        return vec![RunEvent::KernelFailed { kernel, why }];
    };
    let evidence = run.evidence.get(&kernel);
    let verdict = with_logs(run, verdict);
    let times = run.times.session_millis.get(&kernel);
    let sessions = run.asked.performed().count();
    let about = |session: &str| report.sessions.get(session);
    let mut events = vec![RunEvent::KernelStarted { kernel: kernel.clone(), sessions }];
    events.extend(verdict.sessions.iter().map(|session| RunEvent::SessionJudged {
        kernel: kernel.clone(),
        title: about(&session.session).map(|one| one.title.clone()).unwrap_or_default(),
        area: about(&session.session).map(|one| one.area.clone()).unwrap_or_default(),
        verdict: session.clone(),
        millis: times.and_then(|times| times.get(&session.session)).copied().unwrap_or_default(),
    }));
    if report.state == KernelState::Judged {
        let mut guests = report.guests.as_ref().map(Guests::from).unwrap_or_default();
        guests.again = report.tried_again.iter().map(Again::from).collect();
        events.push(RunEvent::KernelJudged {
            verdict,
            nearest: report.nearest_release.clone(),
            not_checked: report.not_checked.clone(),
            console_tail: evidence.and_then(|evidence| evidence.console_tail.clone()),
            guests: Box::new(guests),
        });
    }
    events
}

/// The verdict with the kernel's words put back into its findings: a run has them beside its verdicts.
pub(crate) fn with_logs(run: &Run, verdict: &KernelVerdict) -> KernelVerdict {
    let mut verdict = verdict.clone();
    let nothing = BTreeMap::new();
    let logs = run.evidence.get(&verdict.kernel).map_or(&nothing, |evidence| &evidence.logs);
    let put =
        |finding: &mut Finding| finding.log = logs.get(&finding.fingerprint).cloned().unwrap_or_default();
    verdict.findings.iter_mut().for_each(put);
    verdict.sessions.iter_mut().flat_map(|session| &mut session.findings).for_each(put);
    verdict
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scrubjay_host::Signal;
    use scrubjay_samples::{clean, mixed};

    use super::*;

    fn cut(at: usize, status: ExitStatus) -> Vec<RunEvent> {
        let mut events = mixed();
        events.truncate(at);
        events.push(RunEvent::RunFinished { cut: Some(status) });
        events
    }

    fn with_a_lost_report() -> Vec<RunEvent> {
        let mut events = mixed();
        events.insert(3, RunEvent::ReportFailed { why: "full".into() });
        events
    }

    #[rstest]
    #[case::clean(clean())]
    #[case::every_outcome(mixed())]
    #[case::interrupted_in_a_kernel(cut(5, ExitStatus::Interrupted(Signal::SIGINT)))]
    #[case::interrupted_after_a_break(cut(7, ExitStatus::Untested))]
    #[case::wrong_before_anything(cut(2, ExitStatus::Usage))]
    #[case::a_lost_report(with_a_lost_report())]
    fn a_kept_run_is_the_run_that_it_was(#[case] events: Vec<RunEvent>) {
        let run = Gather::whole(&events);
        let mut again = Gather::of_kept(&run.times);
        let again = super::events(&run).iter().find_map(|event| again.event(event).unwrap()).unwrap();
        assert_eq!(again, run);
    }
}
