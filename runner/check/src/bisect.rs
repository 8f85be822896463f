//! The search for the first place on a line of kernels, commits or releases, that shows what its bad end shows and its
//! good end does not.

use std::collections::BTreeMap;

use scrubjay_engine::Lab;
use scrubjay_kernels::{Found, Mark, Standing};
use scrubjay_session::{Performance, Session, Transcript};
use scrubjay_verdict::{Finding, Library, Reference};

use crate::against;
use crate::shows::{Answer, Wanted, decide, differences, runs_without, shown, unaccepted};
use crate::target::Target;

/// What came of building one of the kernels.
#[derive(Debug)]
pub enum Built {
    /// It can be run.
    Target(Box<Target>),
    /// It is the good end in all that a kernel is built from.
    AsGood,
    /// It cannot be run, with the reason.
    Not(String),
}

/// What a search goes along; the places are named by words.
pub trait Line {
    /// What stops a search: the user's mistakes, an interruption.
    type Error;

    /// The good end.
    fn good(&self) -> &str;

    /// The bad end.
    fn bad(&self) -> &str;

    /// How the search stands.
    ///
    /// # Errors
    /// It cannot be told.
    fn standing(&self) -> Result<Standing, Self::Error>;

    /// Says what came of a place.
    ///
    /// # Errors
    /// It contradicts the rest.
    fn mark(&mut self, place: &str, mark: Mark) -> Result<(), Self::Error>;

    /// Builds what is to be run.
    ///
    /// # Errors
    /// What stops the search; a place that does not build is [`Built::Not`].
    fn build(&mut self, place: &str) -> Result<Built, Self::Error>;

    /// A place, for a reader.
    fn told(&self, place: &str) -> String;
}

/// Why there is nothing to search for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nothing {
    /// The ends do not differ in it as they are built.
    Alike(String),
    /// They are built from the same, however they are built.
    Same(String),
    /// An end could not be tested.
    Untested(String),
}

/// What a search is made with.
pub struct Search<'a> {
    /// The vectors.
    pub library: &'a Library,
    /// What sessions are run with.
    pub lab: &'a Lab<'a>,
    /// Those in which the ends may differ.
    pub sessions: &'a [&'a Session],
    /// The fingerprint of the finding that is looked for; whatever the ends differ in where there is none.
    pub finding: Option<&'a str>,
}

/// The two ends, found to differ.
pub struct Ends<'a> {
    reference: Reference,
    wanted: Wanted<'a>,
    /// How many more differences it shows in that session.
    pub others: usize,
    /// After how many runs without it a kernel does not have it.
    without: u32,
    /// What the session gave where it was decided, by place.
    examples: BTreeMap<String, Transcript>,
}

/// Builds the two ends of a line.
///
/// # Errors
/// Those of the line.
pub fn ends<L: Line + ?Sized>(line: &mut L) -> Result<Result<[Box<Target>; 2], Nothing>, L::Error> {
    let (good, bad) = (line.good().to_owned(), line.bad().to_owned());
    Ok(match (line.build(&good)?, line.build(&bad)?) {
        (Built::Target(good), Built::Target(bad)) => Ok([good, bad]),
        (Built::Not(why), _) => Err(Nothing::Untested(format!("{good}: {why}"))),
        (_, Built::Not(why)) => Err(Nothing::Untested(format!("{bad}: {why}"))),
        (Built::AsGood, _) | (_, Built::AsGood) => {
            Err(Nothing::Same(format!("{bad} is built from the same as {good}")))
        }
    })
}

impl<'a> Search<'a> {
    /// Finds what the bad end shows and the good one does not; both are called as the line calls them. `tell` has a line
    /// about each.
    ///
    /// # Errors
    /// Why there is nothing to search for.
    pub fn compare<L: Line + ?Sized>(
        &self,
        line: &L,
        [good, bad]: &[Box<Target>; 2],
        tell: &mut dyn FnMut(String),
    ) -> Result<Ends<'a>, Nothing> {
        let (good_id, bad_id) = (line.good(), line.bad());
        let Search { library, lab, sessions, finding } = *self;
        let reference =
            against::reference(lab, library, good, sessions, None, &mut |_| {}).map_err(Nothing::Untested)?;
        let look = |session: &str, given: &Performance| match finding {
            None => differences(library, &reference, session, given),
            Some(wanted) => {
                let mut found = differences(library, &reference, session, given);
                found.extend(unaccepted(library, session, given));
                found.retain(|finding| finding.fingerprint == wanted);
                found
            }
        };
        let Some(session) = self.session_of(bad, &look) else {
            let finding = finding.unwrap_or_default();
            return Err(Nothing::Alike(format!("{bad_id} does not show the finding {finding}")));
        };
        if let Some(why) = reference.missing(&session.id) {
            return Err(Nothing::Untested(format!("{good_id}, the good end: {why}")));
        }
        let seen = shown(lab, bad, session, &|given| look(&session.id, given));
        let Some((found, times, example)) = seen.first() else {
            return Err(match (&seen.silent, seen.of) {
                (Some(why), 0) => Nothing::Untested(format!("{bad_id}, the bad end: {why}")),
                (_, of) => {
                    let session = &session.id;
                    Nothing::Alike(match finding {
                        Some(finding) => {
                            format!(
                                "{bad_id} does not show the finding {finding} in session {session}, {of} runs"
                            )
                        }
                        None => {
                            format!("{bad_id} gives what {good_id} gives in session {session}, {of} runs")
                        }
                    })
                }
            });
        };
        let wanted = Wanted { session, finding: found.clone() };
        tell(format!("{bad_id}: has it, seen in {times} of {} runs: {}", seen.of, found.rule));
        let mut examples = BTreeMap::from([(bad_id.to_owned(), example.clone())]);
        let once = |target: &Target| wanted.once(lab, library, &reference, target);
        let without = runs_without(times, seen.of);
        let answer = decide(without, || once(good));
        tell(format!("{good_id}: {answer}"));
        match answer {
            Answer::Lacks { example, .. } => examples.insert(good_id.to_owned(), *example),
            Answer::Shows { .. } => {
                return Err(Nothing::Alike(format!("{good_id}, the good end, shows it too")));
            }
            answer => return Err(Nothing::Untested(format!("{good_id}, the good end: {answer}"))),
        };
        let others = seen.others();
        Ok(Ends { reference, wanted, others, without, examples })
    }

    /// The session: the only one, or that in which the bad end shows what is looked for.
    fn session_of(
        &self,
        bad: &Target,
        look: &dyn Fn(&str, &Performance) -> Vec<Finding>,
    ) -> Option<&'a Session> {
        if let [one] = self.sessions {
            return Some(*one);
        }
        let run = self.lab.run(&bad.kernel, self.sessions, &mut |_| {});
        let id = run.performances.iter().find(|(id, given)| !look(id, given).is_empty())?.0;
        self.library.sessions.get(id)
    }

    /// Asks of one place after the other. `tell` has a line about each.
    ///
    /// # Errors
    /// Those of the line.
    pub fn search<L: Line + ?Sized>(
        &self,
        line: &mut L,
        ends: &mut Ends,
        tell: &mut dyn FnMut(String),
    ) -> Result<Found, L::Error> {
        loop {
            let place = match line.standing()? {
                Standing::Next(place) => place,
                Standing::Ended(found) => return Ok(found),
            };
            let answer = match line.build(&place)? {
                Built::AsGood => {
                    tell(format!("good  {}: built from the same as the good end", line.told(&place)));
                    line.mark(&place, Mark::Good)?;
                    continue;
                }
                Built::Target(target) => decide(ends.without, || {
                    ends.wanted.once(self.lab, self.library, &ends.reference, &target)
                }),
                Built::Not(why) => Answer::Nothing(why),
            };
            let mark = match &answer {
                Answer::Shows { .. } => Mark::Bad,
                Answer::Lacks { .. } => Mark::Good,
                Answer::Undecided { .. } | Answer::Nothing(_) => Mark::Skip,
            };
            tell(format!("{:4}  {}: {answer}", mark.name(), line.told(&place)));
            if let Answer::Shows { example, .. } | Answer::Lacks { example, .. } = answer {
                ends.examples.insert(place.clone(), *example);
            }
            line.mark(&place, mark)?;
        }
    }
}

impl Ends<'_> {
    /// What was looked for.
    pub fn finding(&self) -> &Finding {
        &self.wanted.finding
    }

    /// What the session gave at a place, where that was decided.
    pub fn given(&self, place: &str) -> Option<&Transcript> {
        self.examples.get(place)
    }
}
