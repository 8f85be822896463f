//! `scrubjay gate`: what a series, or a revision, breaks of what it is made upon.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use scrubjay_check::kept::Kept;
use scrubjay_check::{Check, Target, against};
use scrubjay_engine::Lab;
use scrubjay_kernels::{
    Asked, AskedError, Between, Catalogue, Config, Difference, Image, Manifest, Progress, Resolver, Series,
    revision_of,
};
use scrubjay_machine::{Choice, Qemu};
use scrubjay_reports::{Detail, Reports};
use scrubjay_run::{ExitStatus, RunEvent};
use scrubjay_session::Session;
use scrubjay_verdict::{Library, OwnPolicy, Policy, Reference, Waivers};

use crate::args::GateArgs;
use crate::context::Context;
use crate::failure::{Failure, Result, Usage};
use crate::interrupt::Interrupt;
use crate::lab::{self, Obtained};
use crate::policy::Decides;
use crate::reach::Reach;
use crate::revision::{self, Base, Rebuilt, as_modules, called};
use crate::touched::{self, Touched};
use crate::{output, select, table};

/// What is between base and head, and so what has to be built and run.
enum Plan {
    /// Nothing that a kernel is built from.
    Nothing,
    /// Modules that were built anew, or why they were not.
    Modules { base: Box<Base>, files: String, head: Result<Box<Image>, String> },
    /// Two kernels, once with modules and once with everything built in, for this reason.
    Kernels { modular: Config, why: String },
}

/// A base and a head that are run.
struct Pair {
    head: String,
    /// Their targets, or why there are none.
    targets: Result<(Target, Target), String>,
}

/// When it has to be done, and what comes first.
struct Timed {
    until: Option<Instant>,
    first: Touched,
}

/// A gate: read and held against each other before anything is booted.
struct Gate<'a> {
    args: &'a GateArgs,
    library: &'a Library,
    loose_ends: Vec<String>,
    waivers: &'a Waivers,
    policy: Policy,
    /// What it says, where it is one of the user's own.
    own: Option<OwnPolicy>,
    sessions: Vec<&'a Session>,
    resolver: &'a Resolver,
    base: Manifest,
    head: Manifest,
}

/// Gates; `verbose` is how often more was asked for.
pub fn run(args: &GateArgs, verbose: u8, context: &Context) -> Result<ExitStatus> {
    // Kernels are held against each other: a golden that does not fit stops nothing.
    let (library, unfit) = Library::load_to_record(&context.root)?;
    let mut loose_ends = library.loose_ends()?;
    loose_ends.extend(unfit.iter().map(ToString::to_string));
    let catalogue = context.catalogue()?;
    let (base, head) = revisions(args, &catalogue)?;
    let Decides { policy, own } = args.policy.read(&library.promises, &library.profiles)?;
    let waivers = context.waivers(args.waivers.as_deref(), &library.sessions, &catalogue)?;
    let resolver = context.resolver(None)?;
    let gate = Gate {
        args,
        library: &library,
        loose_ends,
        waivers: &waivers,
        policy,
        own,
        sessions: select::sessions(&args.sessions, &library.sessions, context)?,
        resolver: &resolver,
        base,
        head,
    };
    let detail = if verbose > 0 { Detail::Sessions } else { Detail::Causes };
    let reports = output::reports(&args.reports, detail, &library, None)?;
    let interrupt = Interrupt::listen();
    let until = args.within.and_then(|within| Instant::now().checked_add(within.0));
    let known = Reach::load(&context.root)?;
    let Difference { reach, touched: names } = resolver.between(
        &gate.base,
        &gate.head,
        &|name| touched::is_known(name, &known),
        &mut interrupt.progress(),
    )?;
    let plan = gate.plan(reach, &catalogue, &mut interrupt.progress())?;
    let run = Timed { until, first: Touched::of(names, &known, &library, &gate.sessions) };
    output::told(&reports, |reports| gate.gate(&plan, &run, interrupt, reports))
}

/// Base and head, called as `check --kernel` takes them where the series is one path.
fn revisions(args: &GateArgs, catalogue: &Catalogue) -> Result<(Manifest, Manifest)> {
    let word = called(&args.tree, &args.base);
    let base = revision_of(&word, &args.tree, &args.base, None, catalogue)?;
    let head = match &args.head {
        Some(head) => revision_of(&called(&args.tree, head), &args.tree, head, None, catalogue)?,
        None => {
            let series = Series::read_all(&args.series).map_err(AskedError::from)?;
            let word = format!("{word}+{}", series.path.display());
            revision_of(&word, &args.tree, &args.base, Some(series), catalogue)?
        }
    };
    Ok((base, head))
}

impl Gate<'_> {
    /// Says what has to be built, and builds modules where these are all.
    fn plan(&self, reach: Between, catalogue: &Catalogue, progress: &mut dyn Progress) -> Result<Plan> {
        let modular = revision::modular(catalogue)?;
        let sources = match reach {
            Between::Nothing => return Ok(Plan::Nothing),
            Between::Kernel(why) => return Ok(Plan::Kernels { modular, why }),
            Between::Modules(sources) => sources,
        };
        let base = Base::build(&self.base, &modular, self.resolver, progress)?;
        let head = match base.rebuilt(&sources, progress)? {
            Rebuilt::Image(image) => Ok(image),
            Rebuilt::DoesNotBuild(why) => Err(why),
            Rebuilt::NoModule(file) => {
                let why = format!("{} changes, which is part of no module", file.display());
                return Ok(Plan::Kernels { modular, why });
            }
        };
        let files = sources.keys().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
        Ok(Plan::Modules { base: Box::new(base), files, head })
    }

    fn gate(&self, plan: &Plan, run: &Timed, interrupt: Interrupt, reports: &Reports) -> Result<()> {
        let heads = match plan {
            Plan::Nothing => Vec::new(),
            Plan::Modules { .. } => vec![self.head.id.clone()],
            Plan::Kernels { modular, .. } => {
                vec![self.head.id.clone(), as_modules(&self.head, modular, false).id]
            }
        };
        reports.event(&RunEvent::RunStarted {
            policy: self.policy,
            own_policy: self.own.clone(),
            kernels: heads,
            sessions: self.sessions.iter().map(|session| session.id.clone()).collect(),
            shard: None,
            against: Some(self.base.id.clone()),
            baseline: None,
            require_fixes: false,
        });
        let note = |text: String| reports.event(&RunEvent::Note { text });
        self.loose_ends.iter().for_each(|text| note(format!("warning: {text}")));
        self.own.iter().flat_map(OwnPolicy::told).for_each(&note);
        // What nobody can read is not worth a boot.
        if let Some(why) = reports.failures().first() {
            return Err(Usage(format!("a report cannot be written: {why}")).into());
        }
        let pairs = self.pairs(plan, &interrupt, &note)?;
        interrupt.done()?;
        let first = pairs.iter().find_map(|pair| pair.targets.as_ref().ok());
        let machine = first.map(|(base, _)| lab::machine(base)).transpose()?;
        if let Some((qemu, choice)) = &machine {
            note(format!("{qemu}; {}", table::count(usize::from(self.args.guests.vcpus), "vCPU")));
            note(choice.to_string());
        }
        if machine.is_some() {
            run.first.told().into_iter().for_each(&note);
        }
        self.judge(&pairs, run, machine.as_ref(), reports);
        Ok(())
    }

    /// Has built what is to be run; says what that is, and why.
    fn pairs(&self, plan: &Plan, interrupt: &Interrupt, note: &dyn Fn(String)) -> Result<Vec<Pair>> {
        let (base, head) = (&self.base.id, &self.head.id);
        match plan {
            Plan::Nothing => {
                note(format!(
                    "nothing that a kernel is built from is different in {head}: nothing was built or run"
                ));
                Ok(Vec::new())
            }
            Plan::Modules { base: built, files, head: after } => {
                note(format!(
                    "modules were built anew, and no second kernel, because nothing else is different: {files}"
                ));
                note(lab::provenance(base, &built.image));
                let targets = match after {
                    Ok(after) => Ok((built.target(&built.image, base), built.target(after, head))),
                    Err(why) => Err(why.clone()),
                };
                Ok(vec![unless_the_same(Pair { head: head.clone(), targets })])
            }
            Plan::Kernels { modular, why } => {
                note(format!(
                    "two kernels were built, and run with everything built in and with modules: {why}"
                ));
                let modules = [&self.base, &self.head].map(|one| as_modules(one, modular, false));
                let built_in = self.built(&self.base, &self.head, interrupt, note)?;
                let [base, head] = &modules;
                Ok(vec![unless_the_same(built_in), self.built(base, head, interrupt, note)?])
            }
        }
    }

    /// A base and a head that are built whole.
    fn built(
        &self,
        base: &Manifest,
        head: &Manifest,
        interrupt: &Interrupt,
        note: &dyn Fn(String),
    ) -> Result<Pair> {
        let obtain = |manifest: &Manifest| {
            let asked = Asked::Made(Cow::Owned(manifest.clone()));
            let Obtained { target, outlook, .. } =
                lab::obtain(&asked, &self.sessions, self.resolver, interrupt)?;
            if let Ok((_, provenance)) = &target {
                note(provenance.clone());
            }
            outlook.into_iter().for_each(note);
            Ok::<_, Failure>(target.map(|(target, _)| target))
        };
        let targets = match obtain(base)? {
            Ok(base) => obtain(head)?.map(|head| (base, head)),
            Err(why) => Err(format!("nothing to compare with: {}: {why}", base.id)),
        };
        Ok(Pair { head: head.id.clone(), targets })
    }

    /// Runs each base and then each head, and judges these.
    fn judge(&self, pairs: &[Pair], run: &Timed, machine: Option<&(Qemu, Choice)>, reports: &Reports) {
        let held: Vec<_> = pairs.iter().map(|pair| self.reference(pair, run, machine, reports)).collect();
        let mut verdicts = Vec::new();
        for (pair, held) in pairs.iter().zip(held) {
            match held {
                Ok((lab, reference, head)) => {
                    let check = Check {
                        library: self.library,
                        lab: &lab,
                        first: &run.first.sessions,
                        shuffle: None,
                        policy: self.policy,
                        own: self.own.as_ref(),
                        waivers: self.waivers,
                        against: Some(&reference),
                    };
                    verdicts.push(check.run(head, &self.sessions, &mut |event| reports.event(&event)));
                }
                Err(why) => reports.event(&RunEvent::KernelFailed { kernel: pair.head.clone(), why }),
            }
        }
        if !self.waivers.is_empty() {
            reports.event(&RunEvent::Waivers { uses: self.waivers.uses(&verdicts) });
        }
    }

    /// What the base of a pair gives, and the head that is held against it.
    fn reference<'l>(
        &'l self,
        pair: &'l Pair,
        run: &Timed,
        machine: Option<&'l (Qemu, Choice)>,
        reports: &Reports,
    ) -> Result<(Lab<'l>, Reference, &'l Target), String> {
        let (base, head) = pair.targets.as_ref().map_err(Clone::clone)?;
        let machine = machine.ok_or_else(|| "there is no machine to run it on".to_owned())?;
        let lab = Lab { until: run.until, ..lab::lab(self.library, machine, &self.args.guests) };
        let mut tell = |event: RunEvent| reports.event(&event);
        // A base that cannot be kept is run each time.
        let kept = Kept::of(&self.resolver.transcripts(), base, &lab).ok();
        let sessions = run.first.in_order(&self.sessions);
        let reference = against::reference(&lab, self.library, base, &sessions, kept.as_ref(), &mut tell)?;
        Ok((lab, reference, head))
    }
}

/// A head that comes out as its base did was not tested, and must not look as if it passed.
fn unless_the_same(mut pair: Pair) -> Pair {
    let files = |target: &Target| -> Vec<PathBuf> {
        std::iter::once(&target.kernel.image).chain(&target.kernel.modules).cloned().collect()
    };
    if let Ok((base, head)) = &pair.targets
        && are_the_same(&files(base), &files(head))
    {
        let why = "it is the base, byte for byte: the change does nothing, or it is in what is not built here, so \
                   nothing of it was tested";
        pair.targets = Err(why.to_owned());
    }
    pair
}

/// Whether each file has the bytes of the other in its place; not where one cannot be read.
fn are_the_same(some: &[PathBuf], others: &[PathBuf]) -> bool {
    let same =
        |one: &Path, other: &Path| matches!((fs::read(one), fs::read(other)), (Ok(a), Ok(b)) if a == b);
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| same(one, other))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_same(&["image", "a", "b"], true)]
    #[case::another_image(&["other", "a", "b"], false)]
    #[case::another_module(&["image", "a", "c"], false)]
    #[case::one_module_less(&["image", "a"], false)]
    fn a_head_is_its_base_where_every_file_has_the_same_bytes(#[case] head: &[&str], #[case] expected: bool) {
        let dir = tempfile::tempdir().unwrap();
        let files = |name: &str, texts: &[&str]| -> Vec<PathBuf> {
            let write = |(i, text): (usize, &&str)| {
                let path = dir.path().join(format!("{name}-{i}"));
                fs::write(&path, text).unwrap();
                path
            };
            texts.iter().enumerate().map(write).collect()
        };
        let base = files("base", &["image", "a", "b"]);
        assert_eq!(are_the_same(&base, &files("head", head)), expected);
        assert!(!are_the_same(&[dir.path().join("none")], &[dir.path().join("none")]));
    }
}
