//! The answer: what breaks, for which promise, under which policy; what a program sees; what stays.

use std::collections::BTreeMap;

use scrubjay_session::Performance;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Cause, Class, KernelVerdict, Policy, Promises, Standing, Status, causes};

use crate::feature::Feature;
use crate::run::Performances;
use crate::sight::{Sight, What};

/// What a decision does.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is decided, in words.
    pub decision: String,
    /// The kernel.
    pub kernel: String,
    /// What it does, the cause that weighs and says most first.
    pub broken: Vec<Broken>,
    /// How many findings break, under each of [`Policy::ALL`].
    pub breaks: [usize; 3],
    /// What a program sees of each Feature.
    pub seen: Vec<(Feature, Vec<Sight>)>,
    /// Sessions that gave in every step what they gave before.
    pub stayed: usize,
    /// Sessions that gave something else.
    pub different: usize,
    /// Sessions that apply to neither of the two kernels.
    pub skipped: usize,
    /// Sessions of which nothing can be said, by the reason.
    pub untested: BTreeMap<String, Vec<String>>,
    /// The evidence, where the changed kernel has no fwctl at all.
    pub absent: Option<String>,
}

/// Something that the decision brings about.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// What, and what follows from it.
    pub cause: Cause,
    /// What is promised there.
    pub promises: Vec<Promised>,
    /// Session and step of the finding that shows it most clearly.
    pub example: String,
}

/// A promise that a cause is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Promised {
    /// Its id.
    pub id: String,
    /// What is promised.
    pub statement: String,
    /// How firmly.
    pub class: Class,
}

/// What the sessions gave on the kernel as it is, and on the changed one.
pub(crate) struct Given<'a> {
    pub before: &'a Performances,
    pub after: &'a Performances,
}

impl Answer {
    /// Of a verdict that holds the changed kernel against the one as it is.
    pub(crate) fn new(
        decision: String,
        kernel: String,
        promises: &Promises,
        verdict: &KernelVerdict,
        given: &Given,
        seen: Vec<(Feature, Vec<Sight>)>,
    ) -> Self {
        let counts = |cause: &Cause| cause.rule != id::KNOWN_DAMAGE && cause.standing == Standing::Counts;
        let mut answer = Answer {
            decision,
            kernel,
            broken: causes(verdict)
                .into_iter()
                .filter(counts)
                .map(|cause| Broken::of(cause, verdict, promises))
                .collect(),
            breaks: Policy::ALL.map(|policy| verdict.breaks(policy)),
            seen,
            stayed: 0,
            different: 0,
            skipped: 0,
            untested: BTreeMap::new(),
            absent: verdict.findings.iter().find(|f| f.rule == id::FWCTL_ABSENT).map(|f| f.seen.clone()),
        };
        for session in &verdict.sessions {
            let id = &session.session;
            let untested = match session.status(Policy::Frozen) {
                Status::Error => {
                    Some(session.error.clone().unwrap_or_else(|| "what it gave is not sure".to_owned()))
                }
                Status::Skip => given.skipped_on_one(id),
                _ => None,
            };
            match (untested, session.status(Policy::Frozen)) {
                (Some(why), _) => answer.untested.entry(why).or_default().push(id.clone()),
                (None, Status::Skip) => answer.skipped += 1,
                _ if session.findings.iter().any(|f| f.rule != id::KNOWN_DAMAGE) => answer.different += 1,
                _ => answer.stayed += 1,
            }
        }
        answer
    }

    /// Whether something could not be tested: a session, or what is decided about a Feature, at which none looked.
    pub fn is_incomplete(&self) -> bool {
        let looked = |sights: &[Sight], at: &[What]| sights.iter().any(|sight| at.contains(&sight.what));
        let unseen = self.seen.iter().any(|(_, sights)| {
            let node_moved = sights.iter().any(|sight| sight.what == What::Node && !sight.is_as_before());
            !(node_moved || looked(sights, &[What::Set]) && looked(sights, &[What::Entry]))
        });
        unseen || !self.untested.is_empty() || self.stayed + self.different == 0
    }
}

impl Broken {
    fn of(cause: Cause, verdict: &KernelVerdict, promises: &Promises) -> Self {
        let promised = |id: &String| Promised {
            id: id.clone(),
            statement: promises.get(id).map(|promise| promise.statement.clone()).unwrap_or_default(),
            class: promises.class(id),
        };
        let example = verdict.all_findings().find(|finding| finding.fingerprint == cause.example);
        Broken {
            promises: cause.promises.iter().map(promised).collect(),
            example: example.map(|f| format!("{}, {}", f.session, f.step)).unwrap_or_default(),
            cause,
        }
    }
}

impl Given<'_> {
    /// Why nothing can be said of a session that was skipped on one of the two kernels alone.
    fn skipped_on_one(&self, session: &str) -> Option<String> {
        let skipped = |on: &Performances| match on.get(session) {
            Some(Performance::Skipped { why }) => Some(why.clone()),
            _ => None,
        };
        match (skipped(self.before), skipped(self.after)) {
            (None, Some(why)) => Some(format!("skipped on the changed kernel alone: {why}")),
            (Some(why), None) => Some(format!("skipped on the kernel as it is alone: {why}")),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scrubjay_session::Transcript;
    use scrubjay_verdict::{ChangeProfile, SessionVerdict};

    use super::*;

    fn performed() -> Performance {
        Performance::Performed(Box::new(Transcript::new("s")))
    }

    fn skipped() -> Performance {
        Performance::Skipped { why: "this kernel has no EDAC".to_owned() }
    }

    #[rstest]
    #[case::on_both(skipped(), skipped(), None)]
    #[case::on_the_changed_one(
        performed(),
        skipped(),
        Some("skipped on the changed kernel alone: this kernel has no EDAC")
    )]
    #[case::on_the_one_as_it_is(
        skipped(),
        performed(),
        Some("skipped on the kernel as it is alone: this kernel has no EDAC")
    )]
    fn a_session_that_one_kernel_alone_skips_is_not_tested(
        #[case] before: Performance,
        #[case] after: Performance,
        #[case] why: Option<&str>,
    ) {
        let session = SessionVerdict { skipped: Some("why".to_owned()), ..SessionVerdict::new("s") };
        let verdict = KernelVerdict {
            kernel: "k".to_owned(),
            release: "7.3.4".to_owned(),
            findings: Vec::new(),
            sessions: vec![session, SessionVerdict::new("t")],
            changes: ChangeProfile::default(),
        };
        let (before, after) = ([("s".to_owned(), before)].into(), [("s".to_owned(), after)].into());
        let given = Given { before: &before, after: &after };
        let (decision, kernel) = (String::new(), String::new());
        let answer = Answer::new(decision, kernel, &Promises::default(), &verdict, &given, Vec::new());
        assert_eq!(answer.untested.keys().map(String::as_str).next(), why);
        assert_eq!((answer.skipped, answer.stayed), (usize::from(why.is_none()), 1));
        assert_eq!(answer.is_incomplete(), why.is_some());
    }
}
