//! `scrubjay review`: recordings beside their goldens, to be accepted, rejected or left.
//!
//! What accepting makes of a golden is [`scrubjay_verdict::review`]'s to say; here it is shown, asked
//! and written. Under `CI=true` nothing is ever written.

mod ask;
mod change;
mod columns;
mod show;

use std::env;
use std::io::{self, IsTerminal};

use scrubjay_host::words;
use scrubjay_reports::Colour;
use scrubjay_run::ExitStatus;
use scrubjay_session::Sessions;
use scrubjay_verdict::golden::Goldens;
use scrubjay_verdict::review::{Acceptance, Pending, ReviewError, Standing, carried, pending};
use scrubjay_verdict::{Changes, Golden, Promises};

use self::ask::Answer;
use crate::args::{FactArgs, ReviewArgs};
use crate::context::Context;
use crate::failure::{self, Failure, Result, Usage};
use crate::select;
use crate::table::{self, count};

/// Refuses what writes vectors where nobody looks at what is written.
///
/// # Errors
/// If `CI` is `true`.
pub fn refuse_in_ci(what: &str) -> Result<(), Usage> {
    match env::var("CI") {
        Ok(value) if value == "true" => Err(Usage(format!(
            "{what} writes what a person has to look at; under CI=true nothing is written"
        ))),
        _ => Ok(()),
    }
}

/// Everything that a review is made with.
struct Desk {
    sessions: Sessions,
    changes: Changes,
    promises: Promises,
    goldens: Goldens,
    /// Where changes are.
    changes_dir: std::path::PathBuf,
}

/// Reviews.
pub fn run(args: &ReviewArgs, context: &Context) -> Result<ExitStatus> {
    let vectors = context.vectors();
    let changes_dir = vectors.join("changes");
    let sessions = Sessions::load(&vectors.join("sessions"))?;
    let changes = Changes::load(&changes_dir)?;
    let promises = Promises::load(&vectors.join("promises"))?;
    // One that does not fit its session is what a recording is about.
    let (goldens, _) = Goldens::load_fitting(&vectors.join("goldens"), &sessions, &changes, &promises)?;
    let mut desk = Desk { sessions, changes, promises, goldens, changes_dir };
    let base = vectors.join("goldens");
    let all: Vec<(Pending, String)> = pending(&base, &desk.sessions)?
        .into_iter()
        .map(|pending| {
            let path = pending.golden_path.with_extension("");
            let path = path.strip_prefix(&base).map(|p| p.display().to_string()).unwrap_or_default();
            (pending, path)
        })
        .collect();
    if all.is_empty() && args.sessions.is_empty() {
        table::text("nothing waits for review\n")?;
        return Ok(ExitStatus::Clean);
    }
    let chosen = select::choose("recording of session", &args.sessions, &all, |(pending, path)| {
        [pending.session(), path.as_str()]
    })?;
    let chosen: Vec<&Pending> = chosen.into_iter().map(|(pending, _)| pending).collect();
    if let Some(word) = &args.accept {
        refuse_in_ci("review --accept")?;
        desk.accept_all(&chosen, &change::acceptance(word)?, &args.facts)?;
    } else if args.reject {
        refuse_in_ci("review --reject")?;
        for pending in &chosen {
            pending.reject()?;
            table::text(&format!("{}: rejected\n", pending.session()))?;
        }
    } else if args.list {
        table::print(&["session", "recorded", "golden", "differs in"], &desk.list(&chosen))?;
    } else if io::stdin().is_terminal() && io::stdout().is_terminal() && refuse_in_ci("review").is_ok() {
        desk.ask_all(&chosen, &args.facts)?;
    } else {
        for pending in &chosen {
            desk.print(pending, Colour::for_stream(io::stdout().is_terminal()))?;
        }
        words::say(format!(
            "{}; decide with --accept base|also|change:ID or --reject",
            count(chosen.len(), "recording")
        ));
    }
    Ok(ExitStatus::Clean)
}

/// Columns of the terminal, or as many as a report has.
fn width() -> usize {
    terminal_size::terminal_size().map_or(110, |(width, _)| usize::from(width.0))
}

impl Desk {
    fn shown(&self, pending: &Pending, colour: Colour) -> String {
        // A recording of no session was refused when it was read.
        let session = self.sessions.get(pending.session());
        let look = show::Look { promises: &self.promises, colour, width: width() };
        session.map(|session| show::recording(pending, session, look)).unwrap_or_default()
    }

    /// Prints a recording; whatever a kernel said in it is text.
    fn print(&self, pending: &Pending, colour: Colour) -> io::Result<()> {
        let shown = self.shown(pending, colour);
        table::raw(&shown.lines().map(|line| colour.line(line) + "\n").collect::<String>())
    }

    fn list(&self, chosen: &[&Pending]) -> Vec<Vec<String>> {
        let row = |pending: &&Pending| {
            let session = self.sessions.get(pending.session())?;
            let steps = pending.steps(session);
            let differing: Vec<_> = steps
                .iter()
                .filter(|step| !matches!(step.standing, Standing::AsBase | Standing::AsChanged(_)))
                .map(|step| step.id)
                .collect();
            let golden = match &pending.current {
                Some(golden) if pending.is_stale() => format!("{} (older session)", golden.recorded),
                Some(golden) => golden.recorded.clone(),
                None => "none".to_owned(),
            };
            let differing = if differing.is_empty() { "nothing".to_owned() } else { differing.join(" ") };
            Some(vec![session.id.clone(), pending.recorded.recorded.clone(), golden, differing])
        };
        chosen.iter().filter_map(row).collect()
    }

    /// Accepts all of them or, where one cannot be accepted so, none.
    fn accept_all(&mut self, chosen: &[&Pending], acceptance: &Acceptance, facts: &FactArgs) -> Result<()> {
        let grounds = change::grounds(acceptance, facts)?;
        let release = chosen.first().map_or("", |pending| &pending.recorded.recorded);
        let new = change::new(acceptance, facts, release, &self.changes, &self.promises, &self.changes_dir)?;
        if let Some((_, change)) = &new {
            self.changes.insert(change.clone());
        }
        let mut goldens: Vec<(&Pending, Golden)> = Vec::new();
        for pending in chosen {
            let Some(session) = self.sessions.get(pending.session()) else { continue };
            if grounds.is_some() {
                let release = &pending.recorded.recorded;
                let carried = carried(session, release, &self.sessions, &self.goldens, &self.changes);
                pending.check_age(grounds.as_ref(), carried)?;
            }
            goldens.push((pending, pending.accept(session, acceptance, grounds.as_ref(), &self.changes)?));
        }
        let mut unwritten = new.as_ref();
        for (pending, golden) in &goldens {
            let same = pending.current.as_ref() == Some(golden);
            // A change is written with the first golden that names it.
            let with = unwritten.take_if(|_| !same).map(|(path, change)| (path.as_path(), change));
            pending.settle(golden, with)?;
            table::text(&format!("{}: {}\n", pending.session(), done_with(acceptance, same)))?;
            for line in self.marked(pending, golden) {
                table::text(&format!("  {line}\n"))?;
            }
        }
        if let Some((path, _)) = unwritten {
            words::say(format!("{} was not written: every step is explained without it", path.display()));
        }
        Ok(())
    }

    /// What a person has to think of whom the steps that changed are marked as defects.
    fn marked(&self, pending: &Pending, golden: &Golden) -> Vec<String> {
        let Some(before) = &pending.current else { return Vec::new() };
        let touched = golden.steps.iter().filter(|step| !before.steps.contains(step));
        touched
            .filter_map(|step| step.defect.as_ref().map(|defect| (step, defect)))
            .map(|(step, defect)| {
                format!(
                    "step {} is marked as a defect ({}): is it still one? if a change mends it, name it in mended_by",
                    step.id, defect.promise
                )
            })
            .collect()
    }

    fn ask_all(&mut self, chosen: &[&Pending], facts: &FactArgs) -> Result<()> {
        let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
        for (i, pending) in chosen.iter().enumerate() {
            self.print(pending, Colour::for_stream(true))?;
            loop {
                let left = chosen.len() - i - 1;
                let answer = ask::answer(&mut input, &mut output, left, &self.changes)?;
                let done = match answer {
                    Answer::Quit => return Ok(()),
                    Answer::Skip => Ok(()),
                    Answer::Reject => pending.reject().map_err(Failure::from),
                    Answer::Accept(acceptance) => {
                        let facts = ask::facts(&mut input, &mut output, &acceptance, facts, &self.changes)?;
                        self.accept_all(&[pending], &acceptance, &facts)
                    }
                };
                match done {
                    Ok(()) => break,
                    // What cannot be accepted so is asked again; what cannot be written is not.
                    Err(error) if wrong_answer(&error) => words::say(failure::told(&error)),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn done_with(acceptance: &Acceptance, same: bool) -> String {
    match acceptance {
        _ if same => "explained by the golden as it is; the recording is removed".to_owned(),
        Acceptance::Base => "accepted as base".to_owned(),
        Acceptance::Also => "accepted as one more value of the base".to_owned(),
        Acceptance::Changed(ids) => format!("accepted as what {} gives", ids.join(" with ")),
    }
}

fn wrong_answer(failure: &Failure) -> bool {
    use scrubjay_session::FileError;
    match failure {
        Failure::Usage(_) => true,
        Failure::Review(error) => match error {
            ReviewError::NoGolden { .. }
            | ReviewError::NoGrounds { .. }
            | ReviewError::Stale { .. }
            | ReviewError::Carries { .. } => true,
            ReviewError::File(error) => matches!(error, FileError::Sense { .. }),
        },
        _ => false,
    }
}
