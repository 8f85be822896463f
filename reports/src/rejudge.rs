//! Judges a run that is kept once more, by another policy or other waivers: what its findings weigh then, and what comes
//! of that. What was found stays as it is.
//!
//! A break is run again on fresh boots before it is told. What did not break when the run was made was not, so where it
//! breaks now it is not settled.

use std::iter;

use scrubjay_verdict::history::is_of_history;
use scrubjay_verdict::{Finding, KernelVerdict, OwnPolicy, Policy, Waivers};

use crate::kept;
use crate::run::Run;

/// By what a run is judged once more.
pub struct Anew<'a> {
    /// The policy that decides.
    pub policy: Policy,
    /// What it says, where it is one of the user's own.
    pub own_policy: Option<&'a OwnPolicy>,
    /// What is let through; where there are none the run's own stay.
    pub waivers: Option<&'a Waivers>,
}

/// The run as it is judged now.
pub fn rejudge(run: &Run, anew: &Anew) -> Run {
    let mut run = run.clone();
    let was = run.policy;
    for verdict in run.kernels.iter_mut().filter_map(|kernel| kernel.verdict.as_mut()) {
        of_kernel(verdict, was, anew);
    }
    run.policy = anew.policy;
    let said = run.own_policy.as_ref().map(OwnPolicy::told).unwrap_or_default();
    run.notes.retain(|note| !said.contains(note));
    let other_lines = run.own_policy.as_ref() != anew.own_policy;
    run.own_policy = anew.own_policy.cloned();
    if let Some(waivers) = anew.waivers {
        let verdicts: Vec<_> = run.kernels.iter().filter_map(|kernel| kernel.verdict.clone()).collect();
        run.waivers = waivers.uses(&verdicts);
    }
    if anew.policy != was || other_lines {
        run.notes.push(format!(
            "judged again: policy {} decides, where {} did",
            anew.policy.name(),
            was.name()
        ));
    }
    if anew.waivers.is_some() {
        run.notes.push("judged again: with other waivers".to_owned());
    }
    run.notes.extend(anew.own_policy.iter().flat_map(|own| own.told()));
    kept::counted(run)
}

fn of_kernel(verdict: &mut KernelVerdict, was: Policy, anew: &Anew) {
    let (kernel, release) = (verdict.kernel.clone(), verdict.release.clone());
    let weigh = |findings: &mut [Finding]| -> Vec<bool> {
        let broke: Vec<_> = findings.iter().map(|finding| finding.breaks(was)).collect();
        findings.iter_mut().for_each(|finding| finding.severity.own = None);
        if let Some(waivers) = anew.waivers {
            waivers.apply(&kernel, &release, &mut *findings);
        }
        if let Some(own) = anew.own_policy {
            own.weigh(findings);
        }
        broke
    };
    let is_new = |finding: &Finding, broke: bool| {
        finding.breaks(anew.policy) && !broke && !finding.repeat.is_some_and(|repeat| repeat.is_settled())
    };
    let broke = weigh(&mut verdict.findings);
    for (finding, broke) in iter::zip(&mut verdict.findings, broke) {
        finding.unsettled |= is_of_history(&finding.rule) && is_new(finding, broke);
    }
    for session in &mut verdict.sessions {
        let broke = weigh(&mut session.findings);
        let suspect = session.is_suspect(anew.policy);
        for (finding, broke) in iter::zip(&mut session.findings, broke) {
            if suspect && is_new(finding, broke) {
                finding.unsettled = true;
                let why = format!(
                    "{} at step {} is a break under {}, and was not run again to tell it from chance: check with \
                     --policy {}",
                    finding.rule,
                    finding.step,
                    anew.policy.name(),
                    anew.policy.argument()
                );
                session.error.get_or_insert(why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use scrubjay_run::RunEvent;
    use scrubjay_samples::{finding, kernel, mixed, of_kernel, passed, run_of, with};
    use scrubjay_verdict::finding::Repeat;
    use scrubjay_verdict::policy::Name;
    use scrubjay_verdict::policy::own::Line;
    use scrubjay_verdict::{Class, Severity};

    use super::*;
    use crate::gather::Gather;

    fn kept(events: &[RunEvent]) -> Run {
        Gather::whole(events)
    }

    fn under(policy: Policy) -> Anew<'static> {
        Anew { policy, own_policy: None, waivers: None }
    }

    fn own(extends: Policy, severity: Severity) -> OwnPolicy {
        let reason = "our tools rely on it".to_owned();
        let line = Line {
            rule: Some("set-blocked".to_owned()),
            promise: None,
            class: None,
            feature: None,
            severity,
            reason,
        };
        OwnPolicy { name: Name::new("our-gate").unwrap(), extends, weigh: vec![line] }
    }

    fn by(own: &OwnPolicy) -> Anew<'_> {
        Anew { policy: own.policy(), own_policy: Some(own), waivers: None }
    }

    /// A refused Set (warn under exempt, else a break), which was seen so often.
    fn one(repeat: Option<Repeat>) -> Run {
        let mut finding = finding("set-blocked", "H06");
        finding.repeat = repeat;
        let sessions = vec![passed("a"), with("set-by-scope", vec![finding])];
        kept(&run_of(vec![of_kernel(kernel("7.3", Vec::new(), sessions), None, &[])]))
    }

    #[test]
    fn a_run_that_is_judged_again_as_it_was_is_the_same() {
        let run = kept(&mixed());
        assert_eq!(rejudge(&run, &under(Policy::Frozen)), run);
    }

    #[test]
    fn a_laxer_policy_lets_a_break_pass_and_says_that_it_decides() {
        let run = one(Some(Repeat { seen: 2, of: 2 }));
        assert_eq!((run.exit_status, run.kernels[0].counts.broken), (1, 1));
        let again = rejudge(&run, &under(Policy::Exempt));
        assert_eq!((again.exit_status, again.kernels[0].counts.broken), (0, 0));
        assert_eq!((again.policy, again.kernels[0].breaks), (Policy::Exempt, run.kernels[0].breaks));
        let note = "judged again: policy exempt decides, where frozen did";
        assert_eq!(again.notes.last().map(String::as_str), Some(note));
        // And back, where nothing is lost.
        assert_eq!(rejudge(&again, &under(Policy::Frozen)).exit_status, 1);
    }

    /// Under `exempt` it was no break, so nobody looked whether it comes again.
    #[test]
    fn what_breaks_now_and_was_not_run_again_is_not_settled() {
        let run = rejudge(&one(None), &under(Policy::Exempt));
        assert_eq!(run.exit_status, 0);
        let again = rejudge(&run, &under(Policy::Frozen));
        assert_eq!((again.exit_status, again.kernels[0].counts.error), (3, 1));
        let session = &again.kernels[0].verdict.as_ref().unwrap().sessions[1];
        let why = session.error.as_ref().unwrap();
        assert!(why.contains("was not run again") && why.ends_with("check with --policy frozen"), "{why}");
        // Where it was run again beside another break, it is known how often it comes.
        let twice = rejudge(&one(Some(Repeat { seen: 2, of: 2 })), &under(Policy::Exempt));
        assert_eq!(rejudge(&twice, &under(Policy::Frozen)).exit_status, 1);
        let seldom = rejudge(&one(Some(Repeat { seen: 1, of: 2 })), &under(Policy::Exempt));
        assert_eq!(rejudge(&seldom, &under(Policy::Frozen)).exit_status, 3);
    }

    #[test]
    fn a_policy_of_ones_own_decides_and_the_three_stay_beside_it() {
        let run = one(Some(Repeat { seen: 2, of: 2 }));
        let lax = own(Policy::Frozen, Severity::Note);
        let again = rejudge(&run, &by(&lax));
        assert_eq!((again.exit_status, again.kernels[0].breaks.own), (0, Some(0)));
        assert_eq!(again.kernels[0].breaks.frozen, 1);
        assert_eq!(again.kernels[0].causes[0].severity.under(lax.policy()), Severity::Note);
        let note = "policy our-gate is frozen, but rule set-blocked weighs note: our tools rely on it";
        assert!(again.notes.iter().any(|other| other == note), "{:?}", again.notes);
        let strict = own(Policy::Exempt, Severity::Break);
        let again = rejudge(&run, &by(&strict));
        assert_eq!((again.exit_status, again.kernels[0].breaks.exempt), (1, 0));
        // Judged by one of the three again, nothing of it is left.
        let back = rejudge(&again, &under(Policy::Frozen));
        assert_eq!((back.own_policy.clone(), back.kernels[0].breaks.own), (None, None));
        assert!(back.kernels[0].causes[0].severity.own.is_none());
    }

    #[test]
    fn of_lines_that_are_about_a_finding_the_last_decides() {
        let mut own = own(Policy::Frozen, Severity::Note);
        let line = |rule: Option<&str>, class, severity| Line {
            rule: rule.map(str::to_owned),
            promise: None,
            class,
            feature: None,
            severity,
            reason: "r".to_owned(),
        };
        own.weigh.push(line(None, Some(Class::Documented), Severity::Warn));
        own.weigh.push(line(Some("set-blocked"), Some(Class::Incidental), Severity::Break));
        let of = |rule: &str, class| Finding { class, ..finding(rule, "H06") };
        let mut findings = [
            of("set-blocked", Class::Documented),
            of("set-blocked", Class::Implied),
            of("set-blocked", Class::Incidental),
            of("get-blocked", Class::Implied),
        ];
        own.weigh(&mut findings);
        let weights = findings.map(|finding| finding.severity.under(own.policy()));
        // The last is about no line: what `frozen` says.
        assert_eq!(weights, [Severity::Warn, Severity::Note, Severity::Break, Severity::Break]);
    }
}
