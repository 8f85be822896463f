//! `scrubjay mutants`: seeded changes of the kernel, and whether the suite catches them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use scrubjay_check::{Check, Target};
use scrubjay_host::Output;
use scrubjay_kernels::{Manifest, Workshop};
use scrubjay_mutants::page::{self, Table};
use scrubjay_mutants::{Mutant, Mutants, Seeds, Trial, Trials, Window};
use scrubjay_run::ExitStatus;
use scrubjay_verdict::{KernelVerdict, Library, Policy, Waivers};

use crate::args::{MutantsArgs, MutantsCommand, MutantsRunArgs};
use crate::context::Context;
use crate::failure::{Result, Untested, Usage};
use crate::interrupt::Interrupt;
use crate::{lab, select, table};

/// Below the root.
const DIRECTORY: &str = "kernels/mutants";

/// Does it.
pub fn run(args: &MutantsArgs, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let mutants = Mutants::load(&context.root.join(DIRECTORY), &library.sessions, &library.changes)?;
    match &args.command {
        MutantsCommand::List { mutants: words } => list(&chosen(words, &mutants)?),
        MutantsCommand::Run(args) => try_all(args, context, &library, &mutants),
    }
}

fn chosen<'a>(words: &[String], mutants: &'a Mutants) -> Result<Vec<&'a Mutant>> {
    select::choose("mutant", words, mutants.all(), |mutant| [mutant.id.as_str(), mutant.id.as_str()])
}

fn list(mutants: &[&Mutant]) -> Result<ExitStatus> {
    let row = |mutant: &&Mutant| {
        let Mutant { id, kind, file, title, .. } = *mutant;
        let rule = kind.change().or(kind.rule()).unwrap_or("-");
        let releases = match (mutant.since, mutant.until) {
            (None, None) => "all".to_owned(),
            (since, until) => {
                let name = |release: Option<_>| release.map_or(String::new(), |release| format!("{release}"));
                format!("{}-{}", name(since), name(until))
            }
        };
        let file = file.display().to_string();
        vec![id.clone(), kind.name().to_owned(), rule.to_owned(), releases, file, title.clone()]
    };
    let rows: Vec<_> = mutants.iter().map(row).collect();
    table::print(&["mutant", "kind", "rule or change", "releases", "file", "title"], &rows)?;
    Ok(ExitStatus::Clean)
}

fn try_all(
    args: &MutantsRunArgs,
    context: &Context,
    library: &Library,
    mutants: &Mutants,
) -> Result<ExitStatus> {
    let catalogue = context.catalogue()?;
    let kernels: Vec<&Manifest> =
        args.kernels.iter().map(|id| catalogue.get(id)).collect::<Result<_, _>>()?;
    let mut page = args.write.as_deref().map(|path| Page::read(path, mutants.all())).transpose()?;
    let mutants = match args.some {
        Some(size) => some(size, mutants)?,
        None => chosen(&args.mutants, mutants)?,
    };
    let mut all = Vec::new();
    for manifest in kernels {
        all.extend(try_on(args, context, library, manifest, &mutants, page.as_mut())?);
    }
    Ok(status(all.iter()))
}

/// Today's part, and which that is.
fn some(size: usize, mutants: &Mutants) -> Result<Vec<&Mutant>> {
    let window = Window::today(size);
    let part = window.of(mutants.all());
    if let (Some(first), Some(last)) = (part.first(), part.last()) {
        let all = table::count(mutants.all().len(), "mutant");
        say(&format!("{} of {all}, for day {}: {} to {}", part.len(), window.day, first.id, last.id))?;
    }
    Ok(part)
}

/// Tries mutants on one kernel.
fn try_on(
    args: &MutantsRunArgs,
    context: &Context,
    library: &Library,
    manifest: &Manifest,
    mutants: &[&Mutant],
    mut page: Option<&mut Page>,
) -> Result<Vec<Trial>> {
    let resolver = context.resolver(None)?;
    let interrupt = Interrupt::listen();
    let image = resolver.obtain(manifest, &mut interrupt.progress())?;
    let workshop = Workshop::new(&resolver, manifest, &image)?;
    // The modules of the control run, while an interruption is still the builder's to clear up.
    workshop.unchanged(&mut interrupt.progress())?;
    let target = Target::new(manifest, &image);
    let machine = lab::machine(&target)?;
    interrupt.done()?;
    let lab = lab::lab(library, &machine, &args.guests);
    let waivers = Waivers::default();
    let check = Check {
        library,
        lab: &lab,
        first: &BTreeSet::new(),
        shuffle: None,
        policy: Policy::Frozen,
        own: None,
        waivers: &waivers,
        against: None,
    };
    let trials = Trials { check: &check, manifest, workshop: &workshop };
    let seeds: Vec<Seeds> = match args.pairs {
        Some(count) => {
            let pairs = Seeds::pairs(mutants, count.get(), manifest.history.release);
            say(&format!("kernel {}: {} of {count} pairs", manifest.id, pairs.len()))?;
            if pairs.is_empty() {
                return Err(
                    Untested("no two breaks of different rules could be tried together".to_owned()).into()
                );
            }
            pairs
        }
        None => mutants.iter().map(|mutant| Seeds::one(mutant)).collect(),
    };
    let control = trials.control(&seeds)?;
    say(&format!("kernel {}: clean without a mutant ({:.1} s)", manifest.id, control.as_secs_f64()))?;

    let widest = seeds.iter().map(|seeds| seeds.id().len()).max().unwrap_or(0);
    let mut written = Ok(());
    let start = Instant::now();
    let keep = |mutant: &str, verdict: &KernelVerdict| -> Result<()> {
        match &args.keep {
            Some(dir) => {
                let file = dir.join(&manifest.id).join(format!("{mutant}.json"));
                Ok(Output::at(&file)?.write(&(serde_json::to_string_pretty(verdict)? + "\n"))?)
            }
            None => Ok(()),
        }
    };
    let done = trials.run(&seeds, &mut |trial, verdict| {
        let line = format!("  {:widest$}  {}", trial.mutant, trial.outcome);
        written = std::mem::replace(&mut written, Ok(())).and_then(|()| {
            say(&line)?;
            verdict.map_or(Ok(()), |verdict| keep(&trial.mutant, verdict))?;
            page.as_mut().map_or(Ok(()), |page| page.write(&manifest.id, trial))
        });
    });
    written?;
    closing(&manifest.id, &done, start.elapsed())?;
    Ok(done)
}

/// The sums, what is not as it has to be, and what it took.
fn closing(kernel: &str, trials: &[Trial], whole: Duration) -> Result<()> {
    say(&format!("kernel {kernel}: {}", page::sums(trials)))?;
    let odd = trials.iter().filter(|trial| !trial.outcome.is_expected());
    for trial in odd {
        say(&format!("  {}: {}", trial.mutant, trial.outcome))?;
    }
    let tried: Vec<&Trial> = trials.iter().filter(|trial| trial.was_run()).collect();
    if let Some(slowest) = tried.iter().max_by_key(|trial| trial.build + trial.run) {
        let mean = |of: fn(&Trial) -> Duration| {
            tried.iter().map(|trial| of(trial)).sum::<Duration>().as_secs_f64() / tried.len() as f64
        };
        say(&format!(
            "  a mutant took {:.1} s in the mean: {:.1} s to build (beside the sessions of another), {:.1} s to boot and \
             replay; the slowest, {}, {:.1} s and {:.1} s",
            whole.as_secs_f64() / tried.len() as f64,
            mean(|trial| trial.build),
            mean(|trial| trial.run),
            slowest.mutant,
            slowest.build.as_secs_f64(),
            slowest.run.as_secs_f64(),
        ))?;
    }
    Ok(())
}

fn status<'a>(trials: impl Iterator<Item = &'a Trial> + Clone) -> ExitStatus {
    match () {
        () if trials.clone().any(|trial| trial.outcome.is_bad()) => ExitStatus::Broken,
        () if trials.clone().any(|trial| !trial.outcome.is_expected()) => ExitStatus::Untested,
        () => ExitStatus::Clean,
    }
}

fn say(line: &str) -> Result<()> {
    Ok(table::text(&format!("{line}\n"))?)
}

/// The page of the book that takes the table. What is not run now stays in it as it is.
struct Page<'a> {
    output: Output,
    mutants: &'a [Mutant],
    text: String,
    table: Table,
}

impl<'a> Page<'a> {
    /// Reads it before anything is run.
    fn read(path: &'a Path, mutants: &'a [Mutant]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Usage(format!("{}: {e}", path.display())))?;
        let no_marks = || Usage(format!("{}: {}", path.display(), page::NO_MARKS));
        let table = Table::read(&text, mutants).ok_or_else(no_marks)?;
        Ok(Page { output: Output::at(path)?, mutants, text, table })
    }

    /// Puts in what came of one, at once: a long run that is stopped keeps what it has.
    fn write(&mut self, kernel: &str, trial: &Trial) -> Result<()> {
        self.table.set(kernel, trial);
        self.text = self
            .table
            .into_page(&self.text, self.mutants)
            .ok_or_else(|| Untested(page::NO_MARKS.to_owned()))?;
        Ok(self.output.write(&self.text)?)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scrubjay_mutants::Outcome;

    use super::*;

    #[rstest]
    #[case(&[], 0)]
    #[case(&[Outcome::Caught { place: String::new() }, Outcome::Quiet], 0)]
    #[case(&[Outcome::Excluded { why: String::new() }], 0)]
    #[case(&[Outcome::Quiet, Outcome::Missed], 1)]
    #[case(&[Outcome::CaughtByAnother { rules: vec![] }], 1)]
    #[case(&[Outcome::FalseAlarm { findings: vec![] }, Outcome::Error { why: String::new() }], 1)]
    #[case(&[Outcome::Quiet, Outcome::Error { why: String::new() }], 3)]
    fn what_came_of_the_mutants_decides_how_the_command_ends(
        #[case] outcomes: &[Outcome],
        #[case] status: u8,
    ) {
        let trial = |outcome: &Outcome| Trial {
            mutant: "m".into(),
            outcome: outcome.clone(),
            build: Duration::ZERO,
            run: Duration::ZERO,
        };
        let trials: Vec<_> = outcomes.iter().map(trial).collect();
        assert_eq!(super::status(trials.iter()).number(), status);
    }
}
