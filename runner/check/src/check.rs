//! Everything that a check needs, and how it judges. Performs nothing.

use std::collections::BTreeSet;

use scrubjay_engine::{KernelRun, Lab};
use scrubjay_session::Performance;
use scrubjay_verdict::judge::judge_session;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{
    Finding, KernelVerdict, Library, OwnPolicy, Policy, Reference, Rule, SessionVerdict, Waivers, judge,
};

use crate::target::Target;

/// Everything that a check needs.
pub struct Check<'a> {
    /// The vectors.
    pub library: &'a Library,
    /// What sessions are run with.
    pub lab: &'a Lab<'a>,
    /// Sessions that are run, confirmed and told before the others.
    pub first: &'a BTreeSet<String>,
    /// The order of sessions, where it is not that of their ids.
    pub shuffle: Option<u64>,
    /// The policy that decides what is a suspected break.
    pub policy: Policy,
    /// What it says, where it is one of the user's own.
    pub own: Option<&'a OwnPolicy>,
    /// What is let through.
    pub waivers: &'a Waivers,
    /// The kernel that others are held against instead of goldens.
    pub against: Option<&'a Reference>,
}

impl Check<'_> {
    /// Whether what came of a session stands although the host may have had a part in it: it is as expected, or
    /// the kernel was hurt, which no host can bring about. That a call did not come back is no such thing.
    pub fn stands(&self, target: &Target, session: &str, performance: &Performance) -> bool {
        let Performance::Performed(_) = performance else { return false };
        let verdict = self.judge_one(target, session, performance);
        let harmless = |f: &Finding| f.waived.is_some() || f.rule == id::KNOWN_DAMAGE;
        let damage = |f: &Finding| {
            let conclusive = Rule::find(&f.rule).is_some_and(|rule| rule.conclusive);
            conclusive && f.rule != id::KNOWN_DAMAGE && f.rule != id::KERNEL_HUNG
        };
        // Where there is nothing to compare with it is an error whatever the host did.
        let expected = verdict.error.is_some() || verdict.findings.iter().all(harmless);
        expected || verdict.findings.iter().any(damage)
    }

    /// Judges what a whole run gave; `settle` has a word with each session before the kernel is judged by them.
    pub fn judge_run(
        &self,
        target: &Target,
        run: &KernelRun,
        settle: &dyn Fn(&mut SessionVerdict),
    ) -> KernelVerdict {
        let books = self.library.books();
        let kernel = &target.kernel.id;
        let release = if run.release.is_empty() { &target.release } else { &run.release };
        let absent = run.absent.as_deref();
        let performances = &run.performances;
        let judged = performances.iter().map(|(id, p)| self.judge_one(target, id, p));
        let sessions = judged
            .map(|mut verdict| {
                settle(&mut verdict);
                verdict
            })
            .collect();
        let mut verdict = match self.against {
            None => judge::conclude(kernel, release, absent, sessions, &target.expectation, &books),
            Some(other) => other.conclude(kernel, release, absent, sessions, performances, &books),
        };
        self.weigh(target, &mut verdict.findings);
        verdict
    }

    /// Judges one session.
    pub fn judge_one(&self, target: &Target, session: &str, performance: &Performance) -> SessionVerdict {
        let books = self.library.books();
        let mut verdict = match self.against {
            None => judge_session(session, performance, &books),
            Some(other) => other.judge_session(session, performance, &books),
        };
        self.weigh(target, &mut verdict.findings);
        verdict
    }

    /// Marks what is waived, and says what each finding weighs under the user's own policy.
    fn weigh(&self, target: &Target, findings: &mut [Finding]) {
        self.waivers.apply(&target.kernel.id, &target.release, &mut *findings);
        if let Some(own) = self.own {
            own.weigh(findings);
        }
    }
}

/// Whether the golden of a session explains what it gave. What a kernel is held against, and what is recorded, may be
/// the host's doing where it does not.
pub fn explained(library: &Library, session: &str, performance: &Performance) -> bool {
    let verdict = judge_session(session, performance, &library.books());
    let known = verdict.findings.iter().all(|f| f.rule == id::KNOWN_DAMAGE);
    matches!(performance, Performance::Performed(_)) && verdict.error.is_none() && known
}
