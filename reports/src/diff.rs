//! One run held against another: findings that are new, gone and the same, and what is no longer tested. Kernels are
//! paired by their ids; where both runs have just one kernel, those two are a pair.

use std::collections::{BTreeMap, BTreeSet};

use scrubjay_run::ExitStatus;
use scrubjay_verdict::finding::WHOLE_KERNEL;
use scrubjay_verdict::{Finding, Policy, SessionVerdict, Status};

use crate::finding::{place, weight};
use crate::gather::empty;
use crate::problem::title;
use crate::run::{KernelReport, KernelState, Run};
use crate::text::{count, cut, plain};
use crate::untested::untested;

/// The longest line, in characters.
const LONGEST: usize = 300;

/// In what two runs differ.
#[derive(Debug, Default)]
pub struct Diff {
    /// The policy that decides: that of the later run.
    pub policy: Policy,
    /// The pairs of kernels.
    pub kernels: Vec<KernelDiff>,
    /// Kernels of the earlier run that the later one does not have.
    pub gone: Vec<String>,
    /// Kernels that only the later run has.
    pub new: Vec<String>,
    /// What was asked of the later run and not tested.
    pub untested: usize,
}

/// In what two runs differ on a kernel, or on the two kernels of a pair.
#[derive(Debug, Default)]
pub struct KernelDiff {
    /// The kernel of the earlier run.
    pub before: String,
    /// The kernel of the later run.
    pub after: String,
    /// Only in the later run.
    pub new: Vec<Finding>,
    /// Only in the earlier run, from sessions that the later one performed.
    pub gone: Vec<Finding>,
    /// How many are in both.
    pub same: usize,
    /// Sessions that the earlier run tested and the later one did not, and why.
    pub lost: Vec<(String, String)>,
}

/// Holds a run against an earlier one.
pub fn diff(before: &Run, after: &Run) -> Diff {
    let before = &weighed_as(before, after);
    let mut diff = Diff { policy: after.policy, untested: untested(after).len(), ..Diff::default() };
    let pairs: Vec<(&KernelReport, &KernelReport)> =
        match (before.kernels.as_slice(), after.kernels.as_slice()) {
            ([one], [two]) => vec![(one, two)],
            (all, others) => {
                let same = |one: &&KernelReport, two: &KernelReport| one.kernel == two.kernel;
                let find = |two| Some((all.iter().find(|one| same(one, two))?, two));
                others.iter().filter_map(find).collect()
            }
        };
    let paired = |kernel: &KernelReport| {
        pairs.iter().any(|(one, two)| std::ptr::eq(*one, kernel) || std::ptr::eq(*two, kernel))
    };
    let alone = |run: &Run| -> Vec<String> {
        run.kernels.iter().filter(|kernel| !paired(kernel)).map(|kernel| kernel.kernel.clone()).collect()
    };
    (diff.gone, diff.new) = (alone(before), alone(after));
    diff.kernels = pairs.iter().map(|(one, two)| of_kernel(one, two, after.policy)).collect();
    // All that is found on a kernel that was not there before is new.
    for kernel in after.kernels.iter().filter(|kernel| !paired(kernel)) {
        let nothing = empty(kernel.kernel.clone(), KernelState::Judged);
        diff.kernels.push(of_kernel(&nothing, kernel, after.policy));
    }
    diff
}

/// The earlier run, its findings weighed by the policy of the user's own that decides the later one.
fn weighed_as(before: &Run, after: &Run) -> Run {
    let mut before = before.clone();
    if before.own_policy != after.own_policy
        && let Some(own) = &after.own_policy
    {
        for verdict in before.kernels.iter_mut().filter_map(|kernel| kernel.verdict.as_mut()) {
            own.weigh(&mut verdict.findings);
            verdict.sessions.iter_mut().for_each(|session| own.weigh(&mut session.findings));
        }
    }
    before
}

fn of_kernel(before: &KernelReport, after: &KernelReport, policy: Policy) -> KernelDiff {
    let findings = |report: &KernelReport| -> BTreeMap<String, Finding> {
        let all = report.verdict.iter().flat_map(|verdict| verdict.all_findings());
        // What is waived, an error or a warning in one run and a break in the other differs.
        all.map(|f| (format!("{} {}", f.fingerprint, weight(f, policy)), f.clone())).collect()
    };
    let (old, new) = (findings(before), findings(after));
    let performed = |report: &KernelReport| -> BTreeSet<String> {
        let all = report.verdict.iter().flat_map(|verdict| &verdict.sessions);
        let tested = all.filter(|session| is_tested(session, policy));
        tested.map(|session| session.session.clone()).collect()
    };
    let (was, is) = (performed(before), performed(after));
    let lost = was.difference(&is).map(|id| (id.clone(), why_not(after, id)));
    let told = |f: &&Finding| match f.session.as_str() {
        WHOLE_KERNEL => after.verdict.is_some(),
        session => is.contains(session),
    };
    KernelDiff {
        before: before.kernel.clone(),
        after: after.kernel.clone(),
        new: new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, f)| f.clone()).collect(),
        gone: old
            .iter()
            .filter(|(key, _)| !new.contains_key(*key))
            .map(|(_, f)| f)
            .filter(told)
            .cloned()
            .collect(),
        same: new.keys().filter(|key| old.contains_key(*key)).count(),
        lost: lost.collect(),
    }
}

fn is_tested(session: &SessionVerdict, policy: Policy) -> bool {
    !matches!(session.status(policy), Status::Error | Status::Skip)
}

fn why_not(report: &KernelReport, id: &str) -> String {
    let session = report.verdict.iter().flat_map(|verdict| &verdict.sessions).find(|one| one.session == id);
    let why = session.and_then(|session| session.error.as_ref().or(session.skipped.as_ref()));
    let why = why.or(report.why.as_ref()).map(|why| why.lines().next().unwrap_or_default());
    why.unwrap_or("it is not in the later run").to_owned()
}

impl Diff {
    /// How the command ends: with a new break, else with what is no longer tested.
    pub fn exit_status(&self) -> ExitStatus {
        let breaks = self.kernels.iter().flat_map(|kernel| &kernel.new).any(|f| f.breaks(self.policy));
        let lost = !self.gone.is_empty() || self.untested > 0;
        match () {
            () if breaks => ExitStatus::Broken,
            () if lost || self.kernels.iter().any(|kernel| !kernel.lost.is_empty()) => ExitStatus::Untested,
            () => ExitStatus::Clean,
        }
    }

    /// As text.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let alone = [(&self.gone, "only in the earlier run"), (&self.new, "only in the later run")];
        for (kernels, where_) in alone {
            lines.extend(kernels.iter().map(|kernel| format!("kernel {}: {where_}", plain(kernel))));
        }
        for kernel in &self.kernels {
            lines.extend(kernel.lines(self.policy));
        }
        let breaks =
            self.kernels.iter().flat_map(|kernel| &kernel.new).filter(|f| f.breaks(self.policy)).count();
        let status = self.exit_status();
        let untested = match self.untested {
            0 => String::new(),
            n => format!(", {n} not tested in the later run"),
        };
        lines.push(format!("exit status {}: {}{untested}", status.number(), count(breaks, "new break")));
        lines
    }
}

impl KernelDiff {
    fn lines(&self, policy: Policy) -> Vec<String> {
        let KernelDiff { before, after, new, gone, same, lost } = self;
        let who =
            if before == after { plain(after) } else { format!("{} -> {}", plain(before), plain(after)) };
        let mut lines = vec![format!(
            "kernel {who}: {} new, {} gone, {same} the same, {} no longer tested",
            new.len(),
            gone.len(),
            count(lost.len(), "session")
        )];
        let tell = |how: &str, finding: &Finding| {
            format!(
                "  {how} {:6} {} [{}]",
                weight(finding, policy),
                cut(&plain(&title(finding)), LONGEST),
                finding.fingerprint
            )
        };
        let mut new: Vec<_> = new.iter().collect();
        new.sort_by_key(|f| (!f.breaks(policy), place(f)));
        lines.extend(new.into_iter().map(|finding| tell("new ", finding)));
        lines.extend(gone.iter().map(|finding| tell("gone", finding)));
        lines.extend(
            lost.iter().map(|(session, why)| format!("  lost        {}: {}", plain(session), plain(why))),
        );
        lines
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use scrubjay_run::RunEvent;
    use scrubjay_samples::{clean, errored, finding, kernel, mixed, of_kernel, passed, run_of, waived, with};
    use scrubjay_verdict::finding::Repeat;
    use scrubjay_verdict::policy::Name;
    use scrubjay_verdict::policy::own::Line;
    use scrubjay_verdict::{Class, OwnPolicy, SessionVerdict, Severities, Severity};

    use super::*;
    use crate::gather::Gather;
    use crate::rejudge::{Anew, rejudge};

    fn run(id: &str, sessions: Vec<SessionVerdict>) -> Run {
        Gather::whole(&run_of(vec![of_kernel(kernel(id, Vec::new(), sessions), None, &[])]))
    }

    fn told(before: &Run, after: &Run) -> String {
        diff(before, after).lines().join("\n") + "\n"
    }

    #[test]
    fn a_run_differs_from_itself_in_nothing() {
        for events in [clean(), mixed()] {
            let run = Gather::whole(&events);
            let diff = diff(&run, &run);
            assert!(diff.kernels.iter().all(|k| k.new.is_empty() && k.gone.is_empty() && k.lost.is_empty()));
        }
    }

    #[test]
    fn new_and_gone_and_lost_are_told_and_a_new_break_decides() {
        let old = with("one", vec![finding("return-changed", "B14")]);
        let before = run("7.3", vec![old, passed("set-by-scope"), passed("two")]);
        let new = with("set-by-scope", vec![finding("set-blocked", "H06")]);
        let after = run("7.3-patched", vec![passed("one"), new, errored("two")]);
        expect![[r#"
            kernel 7.3 -> 7.3-patched: 1 new, 1 gone, 0 the same, 1 session no longer tested
              new  break  set-blocked in set-by-scope, step full, field errno: a write that worked is refused [134033d9e595d003]
              gone warn   return-changed in set-by-scope, step full, field errno: a call returns another number [f0fcf872615609c6]
              lost        two: the guest went silent in step get # for 30 s
            exit status 1: 1 new break, 1 not tested in the later run
        "#]]
        .assert_eq(&told(&before, &after));
    }

    #[test]
    fn a_break_of_a_kernel_that_only_the_later_run_has_is_new() {
        let broken = || with("one", vec![finding("set-blocked", "H06")]);
        let judged = |id: &str, session| of_kernel(kernel(id, Vec::new(), vec![session]), None, &[]);
        let before = Gather::whole(&run_of(vec![judged("7.1", passed("one")), judged("7.2", passed("one"))]));
        let after = Gather::whole(&run_of(vec![
            judged("7.1", passed("one")),
            judged("7.2", passed("one")),
            judged("7.3", broken()),
        ]));
        assert_eq!(diff(&before, &after).exit_status(), ExitStatus::Broken);
    }

    #[test]
    fn what_was_waived_or_unsettled_and_breaks_now_is_a_new_break() {
        let run_with = |change: fn(&mut Finding)| {
            let mut session = with("one", vec![finding("set-blocked", "H06")]);
            session.findings.iter_mut().for_each(change);
            run("7.3", vec![session])
        };
        let after = run_with(|_| {});
        for before in [
            run_with(|finding| finding.unsettled = true),
            run_with(|finding| finding.waived = waived("one").findings[0].waived.clone()),
        ] {
            assert_eq!(diff(&before, &after).exit_status(), ExitStatus::Broken);
        }
        assert_eq!(diff(&after, &after).exit_status(), ExitStatus::Clean);
    }

    /// The earlier run knows nothing of the policy by which the later one was judged.
    #[test]
    fn a_policy_of_ones_own_makes_no_new_break_of_an_old_finding() {
        let reason = "ours".to_owned();
        let line = Line {
            rule: None,
            promise: None,
            class: Some(Class::Incidental),
            feature: None,
            severity: Severity::Break,
            reason,
        };
        let own =
            OwnPolicy { name: Name::new("our-gate").unwrap(), extends: Policy::Frozen, weigh: vec![line] };
        let incidental = Finding {
            class: Class::Incidental,
            severity: Severities::all(Severity::Warn),
            repeat: Some(Repeat { seen: 2, of: 2 }),
            ..finding("set-blocked", "H06")
        };
        let before = run("7.3", vec![with("one", vec![incidental])]);
        let after = rejudge(&before, &Anew { policy: own.policy(), own_policy: Some(&own), waivers: None });
        let diff = diff(&before, &after);
        assert_eq!((diff.kernels[0].new.len(), diff.kernels[0].same), (0, 1));
    }

    #[test]
    fn what_is_no_longer_tested_is_no_pass() {
        let before = run("7.3", vec![passed("one"), passed("two")]);
        for after in [run("7.3", vec![passed("one"), errored("two")]), run("7.3", vec![passed("one")])] {
            assert_eq!(diff(&before, &after).exit_status(), ExitStatus::Untested);
        }
        assert_eq!(diff(&before, &before).exit_status(), ExitStatus::Clean);
    }

    #[test]
    fn a_kernel_that_is_not_there_any_more_is_no_pass() {
        let mut events = mixed();
        events.retain(|event| !matches!(event, RunEvent::KernelFailed { .. }));
        let (before, mut after) = (Gather::whole(&events), Gather::whole(&events));
        after.kernels.pop();
        let diff = diff(&before, &after);
        assert_eq!(diff.gone, ["6.12"]);
        assert_ne!(diff.exit_status(), ExitStatus::Clean);
    }
}
