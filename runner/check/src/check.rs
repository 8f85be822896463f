//! Everything that a check needs, and how it judges. Performs nothing.

use scrubjay_engine::{KernelRun, Lab};
use scrubjay_session::Performance;
use scrubjay_verdict::judge::judge_session;
use scrubjay_verdict::{KernelVerdict, Library, Policy, Reference, SessionVerdict, Waivers, judge};

use crate::target::Target;

/// Everything that a check needs.
pub struct Check<'a> {
    /// The vectors.
    pub library: &'a Library,
    /// What sessions are run with.
    pub lab: &'a Lab<'a>,
    /// The order of sessions, where it is not that of their ids.
    pub shuffle: Option<u64>,
    /// The policy that decides what is a suspected break.
    pub policy: Policy,
    /// What is let through.
    pub waivers: &'a Waivers,
    /// The kernel that others are held against instead of goldens.
    pub against: Option<&'a Reference>,
}

impl Check<'_> {
    /// Judges what a whole run gave.
    pub fn judge_run(&self, target: &Target, run: &KernelRun) -> KernelVerdict {
        let books = self.library.books();
        let kernel = &target.kernel.id;
        let release = if run.release.is_empty() { &target.release } else { &run.release };
        let absent = run.absent.as_deref();
        let performances = &run.performances;
        let sessions = performances.iter().map(|(id, p)| self.judge_one(target, id, p)).collect();
        let mut verdict = match self.against {
            None => judge::conclude(kernel, release, absent, sessions, &target.expectation, &books),
            Some(other) => other.conclude(kernel, release, absent, sessions, performances, &books),
        };
        self.waivers.apply(kernel, &target.release, &mut verdict.findings);
        verdict
    }

    /// Judges one session.
    pub fn judge_one(&self, target: &Target, session: &str, performance: &Performance) -> SessionVerdict {
        let books = self.library.books();
        let mut verdict = match self.against {
            None => judge_session(session, performance, &books),
            Some(other) => other.judge_session(session, performance, &books),
        };
        self.waivers.apply(&target.kernel.id, &target.release, &mut verdict.findings);
        verdict
    }
}
