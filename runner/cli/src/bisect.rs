//! `scrubjay bisect`: from which commit, or which kernel, on a session gives something else.

mod commits;
mod line;
mod releases;

use std::collections::BTreeMap;

use scrubjay_check::shows::{Answer, Wanted, decide, differences, findings, found_in, measure, runs_without};
use scrubjay_check::{Target, against};
use scrubjay_engine::Lab;
use scrubjay_host::words;
use scrubjay_kernels::{Mark, Standing, asked};
use scrubjay_machine::{Choice, Qemu};
use scrubjay_run::ExitStatus;
use scrubjay_session::{Performance, Session, Transcript};
use scrubjay_verdict::{Finding, Library, Reference, Rule};
use similar::TextDiff;

use crate::args::BisectArgs;
use crate::bisect::commits::Commits;
use crate::bisect::line::{Built, Line};
use crate::bisect::releases::Releases;
use crate::context::Context;
use crate::failure::{Result, Untested, Usage};
use crate::{lab, select, table};

/// What is looked for, and how.
struct Hunt<'a> {
    library: &'a Library,
    args: &'a BisectArgs,
    sessions: &'a [&'a Session],
    /// What the session gave where it was decided, by place.
    examples: BTreeMap<String, Transcript>,
}

/// The two ends, found to differ.
struct Ends<'a> {
    lab: Lab<'a>,
    reference: Reference,
    wanted: Wanted<'a>,
    /// After how many runs without it a kernel does not have it.
    without: u32,
}

/// Searches, and says what was found.
pub fn run(args: &BisectArgs, context: &Context) -> Result<ExitStatus> {
    // Kernels are held against each other: a golden that does not fit stops nothing.
    let (library, _) = Library::load_to_record(&context.root)?;
    let words: Vec<String> = args.session.iter().cloned().collect();
    let sessions = select::sessions(&words, &library.sessions, context)?;
    if args.finding.is_none() && sessions.len() != 1 {
        return Err(Usage(format!("--session: {} sessions, where one is wanted", sessions.len())).into());
    }
    let catalogue = context.catalogue()?;
    let resolver = context.resolver(args.kernel_cache.as_deref())?;
    let mut line: Box<dyn Line> = match (&args.tree, &args.good, &args.bad) {
        (Some(tree), Some(good), Some(bad)) => {
            Box::new(Commits::new(tree, [good, bad], &catalogue, &resolver, sessions.clone())?)
        }
        _ => Box::new(Releases::new(asked(&args.kernels, &catalogue)?, &resolver, sessions.clone())?),
    };
    let mut hunt = Hunt { library: &library, args, sessions: &sessions, examples: BTreeMap::new() };
    let good = line.good().to_owned();
    words::say(format!("{good} is built: the good end"));
    let machine = lab::machine(&end(&mut *line, &good)?)?;
    let ends = loop {
        match hunt.ends(&mut *line, &machine)? {
            Ok(ends) => break ends,
            Err(_) if line.other_way() => {
                words::say("the ends give the same as modules: they are tried with everything built in");
            }
            Err(why) => return Err(Usage(why).into()),
        }
    };
    let (good, bad) = (line.good().to_owned(), line.bad().to_owned());
    words::say(format!("{} between {good} and {bad}", table::count(line.count()?, "place")));
    let found = hunt.search(&mut *line, &ends)?;
    table::text(&hunt.told(&*line, &ends, &found)?)?;
    Ok(match found {
        Standing::First(_) => ExitStatus::Clean,
        Standing::Among(_) | Standing::Next(_) => ExitStatus::Untested,
    })
}

/// An end of the line, which has to be there.
fn end(line: &mut dyn Line, place: &str) -> Result<Target> {
    match line.build(place)? {
        Built::Target(target) => Ok(*target),
        Built::AsGood => {
            let why = "nothing that a kernel is built from is different between it and the good end";
            Err(Usage(format!("{place}: {why}")).into())
        }
        Built::Not(why) => Err(Untested(format!("{place}: {why}")).into()),
    }
}

impl<'a> Hunt<'a> {
    /// Finds what the bad end shows and the good one does not; why they do not differ in it.
    fn ends<'l>(
        &mut self,
        line: &mut dyn Line,
        machine: &'l (Qemu, Choice),
    ) -> Result<Result<Ends<'l>, String>>
    where
        'a: 'l,
    {
        let (good_id, bad_id) = (line.good().to_owned(), line.bad().to_owned());
        let good = end(line, &good_id)?;
        let bad = end(line, &bad_id)?;
        let lab = lab::lab(self.library, machine, &self.args.guests);
        let reference =
            against::reference(&lab, self.library, &good, self.sessions, &mut |_| {}).map_err(Untested)?;
        let look = |session: &str, given: &Performance| match &self.args.finding {
            None => differences(self.library, &reference, session, given),
            Some(wanted) => {
                let mut found = findings(self.library, &reference, session, given);
                found.retain(|finding| finding.fingerprint == *wanted);
                found
            }
        };
        let sought = found_in(&lab, &bad, self.sessions, &look);
        let Some(session) = sought.first().and_then(|f| self.library.sessions.get(&f.session)) else {
            return Ok(Err(match &self.args.finding {
                Some(fingerprint) => format!(
                    "{bad_id} does not show the finding {fingerprint}; take the 16 digits after `id` from a report \
                     about it"
                ),
                None => format!("session {} gives the same on {bad_id} as on {good_id}", self.sessions[0].id),
            }));
        };
        let wanted = Wanted { session, findings: sought };
        let once = |target: &Target| wanted.once(&lab, self.library, &reference, target);
        let seen = measure(|| once(&bad));
        words::say(format!("{bad_id}: {seen}"));
        let Answer::Shows { seen, of, example } = seen else {
            return Err(Untested(format!("{bad_id}: {seen}, and that is the bad end")).into());
        };
        self.examples.insert(bad_id, *example);
        let without = runs_without(seen, of);
        let answer = decide(without, || once(&good));
        words::say(format!("{good_id}: {answer}"));
        match answer {
            Answer::Lacks { example, .. } => self.examples.insert(good_id, *example),
            Answer::Shows { .. } => return Ok(Err(format!("{good_id}, the good end, has it too"))),
            answer => return Err(Untested(format!("{good_id}: {answer}, and that is the good end")).into()),
        };
        Ok(Ok(Ends { lab, reference, wanted, without }))
    }

    /// Asks of one place after the other.
    fn search(&mut self, line: &mut dyn Line, ends: &Ends) -> Result<Standing> {
        loop {
            let place = match line.standing()? {
                Standing::Next(place) => place,
                found => return Ok(found),
            };
            let answer = match line.build(&place)? {
                Built::AsGood => {
                    words::say(format!("good  {}: built from the same as the good end", line.told(&place)));
                    line.mark(&place, Mark::Good)?;
                    continue;
                }
                Built::Target(target) => decide(ends.without, || {
                    ends.wanted.once(&ends.lab, self.library, &ends.reference, &target)
                }),
                Built::Not(why) => Answer::Nothing(why),
            };
            let mark = match &answer {
                Answer::Shows { .. } => Mark::Bad,
                Answer::Lacks { .. } => Mark::Good,
                Answer::Undecided { .. } | Answer::Nothing(_) => Mark::Skip,
            };
            words::say(format!("{:4}  {}: {answer}", mark.name(), line.told(&place)));
            if let Answer::Shows { example, .. } | Answer::Lacks { example, .. } = answer {
                self.examples.insert(place.clone(), *example);
            }
            line.mark(&place, mark)?;
        }
    }

    /// What was found, for a reader.
    fn told(&self, line: &dyn Line, ends: &Ends, found: &Standing) -> Result<String> {
        let finding = &ends.wanted.findings[0];
        let mut text = String::new();
        let first = match found {
            Standing::First(place) => {
                text += &format!("first bad  {}\n", line.told(place));
                Some(place.as_str())
            }
            Standing::Among(places) => {
                text += "the first bad one is among these, which could not be told apart\n";
                places.iter().for_each(|place| text += &format!("  {}\n", line.told(place)));
                None
            }
            Standing::Next(_) => None,
        };
        text += &format!("\n{}\n", told(finding));
        if let more @ 1.. = ends.wanted.findings.len() - 1 {
            text += &format!("  and {} of the session\n", table::count(more, "more difference"));
        }
        let bad = first.filter(|place| self.examples.contains_key(*place)).unwrap_or(line.bad());
        let step = |place: &str| -> Result<String> {
            let seen = self.examples.get(place).map(|transcript| transcript.observation(&finding.step));
            Ok(serde_json::to_string_pretty(&seen)? + "\n")
        };
        let (before, after) = (step(line.good())?, step(bad)?);
        let diff = TextDiff::from_lines(&before, &after);
        let heads = (line.good().to_owned(), line.told(bad));
        text += &format!("\n{}", diff.unified_diff().header(&heads.0, &heads.1));
        text += &format!("\n#regzbot introduced: {}\n", line.introduced(found)?);
        Ok(text)
    }
}

/// A finding in two lines.
fn told(finding: &Finding) -> String {
    let title = Rule::find(&finding.rule).map_or("", |rule| rule.title.as_str());
    let Finding { rule, session, step, accepted, seen, fingerprint, .. } = finding;
    let field = finding.field.map(|field| format!(", field {}", field.name())).unwrap_or_default();
    format!("{rule}: {title}\n  {session}, step {step}{field}: {accepted} -> {seen} [{fingerprint}]")
}
