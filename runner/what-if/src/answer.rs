//! The answer: what breaks, for which promise, under which policy; what a program sees; what stays.

use std::collections::BTreeMap;

use scrubjay_session::Performance;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Cause, Class, Feature, KernelVerdict, Policy, Promises, Standing, Status, causes};

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

impl Answer {
    /// Of a verdict that holds the changed kernel, which gave `after`, against the one as it is.
    pub(crate) fn new(
        decision: String,
        kernel: String,
        promises: &Promises,
        verdict: &KernelVerdict,
        after: &Performances,
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
            match session.status(Policy::Frozen) {
                Status::Error => {
                    let why = session.error.clone().unwrap_or_else(|| "what it gave is not sure".to_owned());
                    answer.untested.entry(why).or_default().push(id.clone());
                }
                // Skipped on the kernel as it is: nothing to hold it against.
                Status::Skip if matches!(after.get(id), Some(Performance::Performed(_))) => {
                    let why = session.skipped.clone().unwrap_or_default();
                    answer.untested.entry(why).or_default().push(id.clone());
                }
                Status::Skip => answer.skipped += 1,
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;
    use scrubjay_session::observation::{Aside, Observation, Seen};
    use scrubjay_session::{Session, Transcript};
    use scrubjay_verdict::{Expectation, Library, Reference, judge};

    use super::*;

    fn performed(session: &Session) -> Performance {
        let mut transcript = Transcript::new(&session.id);
        let (observation, aside) =
            (Observation { errno: "ok".into(), ..Observation::default() }, Aside::default());
        transcript.steps.push(Seen { id: session.steps[0].id.clone(), observation, aside });
        Performance::Performed(Box::new(transcript))
    }

    fn skipped(_: &Session) -> Performance {
        Performance::Skipped { why: "this kernel has no EDAC".to_owned() }
    }

    type Give = fn(&Session) -> Performance;

    #[rstest]
    #[case::on_both(skipped, skipped, None)]
    #[case::on_the_changed_one(
        performed,
        skipped,
        Some("performed on k, and cannot be here: this kernel has no EDAC")
    )]
    #[case::on_the_one_as_it_is(
        skipped,
        performed,
        Some("nothing to compare with: on k this kernel has no EDAC")
    )]
    fn a_session_that_one_kernel_alone_skips_is_not_tested(
        #[case] before: Give,
        #[case] after: Give,
        #[case] why: Option<&str>,
    ) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let library = Library::load(&root).expect("the vectors");
        let session = library.sessions.get("info-flags").expect("a session");
        let id = &session.id;
        let given = |give: Give| Performances::from([(id.clone(), give(session))]);
        let (before, after) = (given(before), given(after));
        let reference = Reference::new("k", "7.3.4", &before, &library.books());
        let judged = reference.judge_session(id, &after[id], &library.books());
        let nothing = Expectation::default();
        let verdict = judge::conclude("k", "7.3.4", None, vec![judged], &nothing, &library.books());
        let (decision, kernel) = (String::new(), String::new());
        let answer = Answer::new(decision, kernel, &library.promises, &verdict, &after, Vec::new());
        assert_eq!(answer.untested.keys().map(String::as_str).next(), why);
        assert_eq!(answer.skipped, usize::from(why.is_none()));
    }
}
