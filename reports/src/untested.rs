//! What a run was asked for and did not test, and why: the same for every format that a program reads. A program that
//! is shown nothing takes it for a pass.

use std::collections::BTreeSet;

use scrubjay_run::nothing_tested;
use scrubjay_session::modules_refused;
use scrubjay_verdict::Status;

use crate::run::{Asked, KernelReport, KernelState, Run};
use crate::text::count;

/// What is said of a kernel or session to which an interrupted run did not come.
pub const NOT_REACHED: &str = "the run was cut short before it";

/// Something that was not tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untested<'a> {
    /// The kernel.
    pub kernel: &'a str,
    /// The session; none where it is about the kernel as a whole.
    pub session: Option<&'a str>,
    /// Why, in one line or more.
    pub why: String,
}

/// Everything that was asked for and not tested, in the order of kernels and sessions. A session that does not apply
/// is not among it.
pub fn untested(run: &Run) -> Vec<Untested<'_>> {
    let mut all: Vec<_> = run.kernels.iter().flat_map(|kernel| of_kernel(run, kernel)).collect();
    let reached: BTreeSet<_> = run.kernels.iter().map(|kernel| kernel.kernel.as_str()).collect();
    let not_reached = run.asked.kernels.iter().filter(|kernel| !reached.contains(kernel.as_str()));
    all.extend(not_reached.map(|kernel| Untested { kernel, session: None, why: NOT_REACHED.to_owned() }));
    all
}

fn of_kernel<'a>(run: &'a Run, report: &'a KernelReport) -> Vec<Untested<'a>> {
    let whole = |why: String| Untested { kernel: &report.kernel, session: None, why };
    let mut all = Vec::new();
    all.extend(report.why.iter().map(|why| whole(why.clone())));
    let Some(verdict) = &report.verdict else { return all };
    let errors = verdict.sessions.iter().filter(|session| session.status(run.policy) == Status::Error);
    all.extend(errors.map(|session| Untested {
        kernel: &report.kernel,
        session: Some(&session.session),
        why: session.error.clone().unwrap_or_else(|| "a difference that no rule names".to_owned()),
    }));
    all.extend(modules_refused(&report.not_checked).map(|why| whole(why.clone())));
    let seldom = verdict.findings.iter().filter(|finding| finding.unsettled);
    all.extend(
        seldom.map(|finding| whole(format!("{} was seen too rarely to tell it from chance", finding.rule))),
    );
    match report.state {
        KernelState::Interrupted => {
            let missing = missing(&run.asked, report).count();
            all.push(whole(format!("the run was cut short: {} were not reached", count(missing, "session"))));
        }
        KernelState::Judged if nothing_tested(verdict, run.policy) => {
            all.push(whole("every session was skipped".to_owned()));
        }
        KernelState::Judged | KernelState::Failed => {}
    }
    all
}

/// The sessions of a kernel that were asked for and came to nothing.
pub fn missing<'a>(asked: &'a Asked, report: &'a KernelReport) -> impl Iterator<Item = &'a str> {
    asked.performed().filter(|session| !report.sessions.contains_key(*session))
}

#[cfg(test)]
mod tests {
    use scrubjay_host::Signal;
    use scrubjay_run::{ExitStatus, RunEvent};
    use scrubjay_samples::{clean, kernel, mixed, of_kernel, run_of, skipped};

    use super::*;
    use crate::gather::Gather;

    fn told(events: &[RunEvent]) -> Vec<String> {
        let run = Gather::whole(events);
        let tell = |one: &Untested| {
            let why = one.why.lines().next().unwrap_or_default();
            format!("{} {}: {why}", one.kernel, one.session.unwrap_or("-"))
        };
        untested(&run).iter().map(tell).collect()
    }

    #[test]
    fn what_could_not_be_tested_is_told_session_by_session() {
        let expected = [
            "7.1 slow: the guest went silent in step get # for 30 s",
            "7.1 gap: a difference that no rule names",
            "7.2 -: not a kernel image: k: it is empty",
        ];
        assert_eq!(told(&mixed()), expected);
        assert_eq!(told(&clean()), [""; 0]);
    }

    #[test]
    fn what_a_run_that_was_cut_short_did_not_come_to_is_told() {
        let mut events = mixed();
        events.truncate(5);
        events.push(RunEvent::RunFinished { cut: Some(ExitStatus::Interrupted(Signal::SIGINT)) });
        let expected = [
            "7.1 -: the run was cut short: 7 sessions were not reached",
            "6.12 -: the run was cut short before it",
            "7.2 -: the run was cut short before it",
        ];
        assert_eq!(told(&events), expected);
    }

    #[test]
    fn a_kernel_of_which_every_session_was_skipped_was_not_tested() {
        let events = run_of(vec![of_kernel(kernel("7.3", Vec::new(), vec![skipped("a")]), None, &[])]);
        assert_eq!(told(&events), ["7.3 -: every session was skipped"]);
    }
}
