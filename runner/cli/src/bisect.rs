//! `scrubjay bisect`: from which commit, or which kernel, on a session gives something else.

mod commits;
mod releases;

use scrubjay_check::bisect::{self, Ends, Line, Nothing, Search};
use scrubjay_engine::Lab;
use scrubjay_host::words;
use scrubjay_kernels::{Found, asked};
use scrubjay_run::ExitStatus;
use scrubjay_verdict::{Finding, Library, Rule};
use similar::TextDiff;

use crate::args::BisectArgs;
use crate::bisect::commits::Commits;
use crate::bisect::releases::Releases;
use crate::context::Context;
use crate::failure::{Failure, Result, Untested, Usage};
use crate::{lab, offered, select, table};

/// A line of kernels that can be told of.
trait Told: Line<Error = Failure> {
    /// How many places there are behind the good end.
    fn count(&self) -> Result<usize>;

    /// Builds the next ones in another way, in which the ends may differ; false where there is none.
    fn other_way(&mut self) -> bool;

    /// The place that was found, or the range in which it lies, as the regression tracker takes it.
    fn introduced(&self, found: &Found) -> Result<String>;
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
    let mut line: Box<dyn Told> = match (&args.tree, &args.good, &args.bad) {
        (Some(tree), Some(good), Some(bad)) => {
            Box::new(Commits::new(tree, [good, bad], &catalogue, &resolver, sessions.clone())?)
        }
        _ => Box::new(Releases::new(
            asked(&offered::fetched(&args.kernels, &resolver)?, &catalogue)?,
            &resolver,
            sessions.clone(),
        )?),
    };
    let (good, bad) = (line.good().to_owned(), line.bad().to_owned());
    words::say(format!("{} from {good}, which is good, to {bad}", table::count(line.count()?, "step")));
    let mut targets = bisect::ends(&mut *line)?.map_err(stopped)?;
    let machine = lab::machine(&targets[0])?;
    words::say(format!("{}\n{}", machine.0, machine.1));
    // Each place boots with its devices, as what is told of a kernel does everywhere.
    let lab = Lab { keep: false, ..lab::lab(&library, &machine, &args.guests) };
    let search =
        Search { library: &library, lab: &lab, sessions: &sessions, finding: args.finding.as_deref() };
    let mut tell = |text: String| words::say(text);
    let mut ends = match search.compare(&*line, &targets, &mut tell) {
        Err(Nothing::Alike(why)) if line.other_way() => {
            words::say(format!("{why} as modules: tried with everything built in"));
            targets = bisect::ends(&mut *line)?.map_err(stopped)?;
            search.compare(&*line, &targets, &mut tell)
        }
        compared => compared,
    }
    .map_err(stopped)?;
    let found = search.search(&mut *line, &mut ends, &mut tell)?;
    table::text(&told(&*line, &ends, &found)?)?;
    Ok(match found {
        Found::First(_) => ExitStatus::Clean,
        Found::Among(_) => ExitStatus::Untested,
    })
}

fn stopped(nothing: Nothing) -> Failure {
    match nothing {
        Nothing::Alike(why) | Nothing::Same(why) => Usage(why).into(),
        Nothing::Untested(why) => Untested(why).into(),
    }
}

/// What was found, for a reader.
fn told(line: &dyn Told, ends: &Ends, found: &Found) -> Result<String> {
    let mut text = String::new();
    let mut bad = line.bad();
    match found {
        Found::First(place) => {
            text += &format!("first bad  {}\n", line.told(place));
            bad = place;
        }
        Found::Among(places) => {
            text += "the first bad one is among these, which could not be told apart\n";
            places.iter().for_each(|place| text += &format!("  {}\n", line.told(place)));
        }
    }
    // An end that the search came to is known by the name that the user gave it.
    let bad = if ends.given(bad).is_some() { bad } else { line.bad() };
    let finding = ends.finding();
    text += &format!("\n{}\n", in_words(finding));
    if ends.others > 0 {
        let more = table::count(ends.others, "more difference");
        text += &format!("  {more} at the bad end in that session, not looked for: name one by --finding\n");
    }
    let step = |place: &str| -> Result<String> {
        let seen = ends.given(place).map(|transcript| transcript.observation(&finding.step));
        Ok(serde_json::to_string_pretty(&seen)? + "\n")
    };
    let (before, after) = (step(line.good())?, step(bad)?);
    let diff = TextDiff::from_lines(&before, &after);
    text += &format!("\n{}", diff.unified_diff().header(line.good(), &line.told(bad)));
    text += &format!("\n#regzbot introduced: {}\n", line.introduced(found)?);
    Ok(text)
}

/// A finding in two lines.
fn in_words(finding: &Finding) -> String {
    let title = Rule::find(&finding.rule).map_or("", |rule| rule.title.as_str());
    let Finding { rule, session, step, accepted, seen, fingerprint, .. } = finding;
    let field = finding.field.map(|field| format!(", field {}", field.name())).unwrap_or_default();
    format!("{rule}: {title}\n  {session}, step {step}{field}: {accepted} -> {seen} [{fingerprint}]")
}
