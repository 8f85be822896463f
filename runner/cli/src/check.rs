//! `scrubjay check`: sessions on kernels, judged.

use scrubjay_check::{Check, Target, against, arrivals};
use scrubjay_engine::Lab;
use scrubjay_kernels::{Asked, Resolver, asked, asked_one, tell_apart, with_modules};
use scrubjay_machine::{Choice, Qemu};
use scrubjay_reports::{Detail, Reports};
use scrubjay_run::{ExitStatus, RunEvent};
use scrubjay_session::Session;
use scrubjay_verdict::{KernelVerdict, Library, OwnPolicy, Policy, Reference, Release, Waivers};
use std::collections::BTreeSet;

use crate::args::CheckArgs;
use crate::context::Context;
use crate::failure::{Result, Usage};
use crate::interrupt::Interrupt;
use crate::lab::{self, Obtained};
use crate::policy::Decides;
use crate::{offered, output, select, table};

/// What a run is made from, read and held against each other before anything is booted.
struct Run<'a> {
    args: &'a CheckArgs,
    library: &'a Library,
    /// What is wrong with the vectors and stops nothing.
    loose_ends: Vec<String>,
    waivers: &'a Waivers,
    policy: Policy,
    /// What it says, where it is one of the user's own.
    own: Option<&'a OwnPolicy>,
    resolver: &'a Resolver,
    /// Those that were asked for; of a shard, those of the whole run.
    sessions: Vec<&'a Session>,
    kernels: Vec<Asked<'a>>,
    against: Option<Asked<'a>>,
    baseline: Option<Release>,
}

/// Checks; `verbose` is how often more was asked for.
pub fn run(args: &CheckArgs, verbose: u8, context: &Context) -> Result<ExitStatus> {
    // Kernels that are held against another need no golden: one that does not fit stops nothing.
    let (library, unfit) = match &args.against {
        None => (context.library()?, Vec::new()),
        Some(_) => Library::load_to_record(&context.root)?,
    };
    let mut loose_ends = library.loose_ends()?;
    loose_ends.extend(unfit.iter().map(ToString::to_string));
    let catalogue = context.catalogue()?;
    let resolver = context.resolver(args.lab.kernel_cache.as_deref())?;
    let mut kernels = asked(&offered::fetched(&args.kernels, &resolver)?, &catalogue)?;
    let against = offered::fetched(args.against.as_slice(), &resolver)?;
    let mut against = against.first().map(|word| asked_one(word, &catalogue)).transpose()?;
    let baseline = args.baseline.as_ref().map(|word| select::baseline(word, &catalogue)).transpose()?;
    if let Some(dir) = &args.modules {
        if !kernels.iter().chain(&against).any(|kernel| matches!(kernel, Asked::File { .. })) {
            let why =
                "--modules: no image is named by its file (vmlinuz:PATH) that these could be the modules of";
            return Err(Usage(why.to_owned()).into());
        }
        with_modules(kernels.iter_mut().chain(&mut against), dir, &catalogue)?;
    }
    tell_apart(kernels.iter_mut().chain(&mut against));
    let Decides { policy, own } = args.policy.read(&library.promises, &library.profiles)?;
    let waivers = context.waivers(args.waivers.as_deref(), &library.sessions, &catalogue)?;
    let run = Run {
        args,
        library: &library,
        loose_ends,
        waivers: &waivers,
        policy,
        own: own.as_ref(),
        resolver: &resolver,
        sessions: select::sessions(&args.lab.sessions, &library.sessions, context)?,
        kernels,
        against,
        baseline,
    };
    let detail = if verbose > 0 { Detail::Sessions } else { Detail::Causes };
    if let Some(shard) = args.shard.filter(|shard| shard.number() > run.sessions.len()) {
        let chosen = table::count(run.sessions.len(), "session");
        return Err(Usage(format!("shard {shard} has no session: {chosen} were chosen")).into());
    }
    let reports = output::reports(&args.reports, detail, &library, None)?;
    output::told(&reports, |reports| run.check(reports))
}

impl Run<'_> {
    fn check(&self, reports: &Reports) -> Result<()> {
        reports.event(&RunEvent::RunStarted {
            policy: self.policy,
            own_policy: self.own.cloned(),
            kernels: self.kernels.iter().map(|kernel| kernel.id().to_owned()).collect(),
            sessions: self.sessions.iter().map(|session| session.id.clone()).collect(),
            shard: self.args.shard,
            against: self.against.as_ref().map(|kernel| kernel.id().to_owned()),
            baseline: self.baseline.map(|release| release.to_string()),
            require_fixes: self.args.require_fixes,
        });
        let note = |text: String| reports.event(&RunEvent::Note { text });
        for text in &self.loose_ends {
            note(format!("warning: {text}"));
        }
        self.own.iter().flat_map(|own| own.told()).for_each(&note);
        // What nobody can read is not worth a boot.
        if let Some(why) = reports.failures().first() {
            return Err(Usage(format!("a report cannot be written: {why}")).into());
        }
        let interrupt = Interrupt::listen();
        let obtain = |kernel| lab::obtain(kernel, &self.sessions, self.resolver, &interrupt);
        let reference = self.against.as_ref().map(obtain).transpose()?;
        let obtained: Vec<Obtained> = self.kernels.iter().map(obtain).collect::<Result<_, _>>()?;
        interrupt.done()?;
        let targets = || reference.iter().chain(&obtained).filter_map(|kernel| kernel.target.as_ref().ok());
        // The accelerator is tried with a kernel that is booted anyway, where there is one.
        let boots = targets().find(|(target, _)| target.kernel.absent.is_none()).or_else(|| targets().next());
        let machine = boots.map(|(target, _)| lab::machine(target)).transpose()?;
        if let Some((qemu, choice)) = &machine {
            note(format!("{qemu}; {}", table::count(usize::from(self.args.lab.guests.vcpus), "vCPU")));
            note(choice.to_string());
        }
        for (_, provenance) in targets() {
            note(provenance.clone());
        }
        for line in reference.iter().chain(&obtained).flat_map(|kernel| &kernel.outlook) {
            note(line.clone());
        }
        let failed = |kernel: &Obtained, why: &str| {
            reports.event(&RunEvent::KernelFailed { kernel: kernel.id.clone(), why: why.to_owned() })
        };
        let against = match (&reference, &machine) {
            (Some(reference), Some(machine)) => match self.reference(reference, machine, reports) {
                Ok(reference) => Some(reference),
                Err(why) => {
                    obtained.iter().for_each(|kernel| failed(kernel, &why));
                    return Ok(());
                }
            },
            _ => None,
        };
        let mut verdicts = Vec::new();
        for kernel in &obtained {
            match (&kernel.target, &machine) {
                (Ok((target, _)), Some(machine)) => {
                    let verdict = self.judge(target, machine, against.as_ref(), reports);
                    if let Some(reference) = &against {
                        self.arrivals(reference, &verdict).into_iter().for_each(note);
                    }
                    verdicts.push(verdict);
                }
                (Ok(_), None) => {}
                (Err(why), _) => failed(kernel, why),
            }
        }
        if !self.waivers.is_empty() {
            reports.event(&RunEvent::Waivers { uses: self.waivers.uses(&verdicts) });
        }
        Ok(())
    }

    /// The sessions that are performed: all, or those of the shard.
    fn performed(&self) -> Vec<&Session> {
        let mine = |place: usize| self.args.shard.is_none_or(|shard| shard.takes(place));
        let sessions = self.sessions.iter().enumerate().filter(|(place, _)| mine(*place));
        sessions.map(|(_, session)| *session).collect()
    }

    fn lab<'l>(&'l self, machine: &'l (Qemu, Choice)) -> Lab<'l> {
        Lab { thorough: self.args.thorough, ..lab::lab(self.library, machine, &self.args.lab.guests) }
    }

    /// Performs the sessions on the kernel that the others are held against.
    fn reference(
        &self,
        kernel: &Obtained,
        machine: &(Qemu, Choice),
        reports: &Reports,
    ) -> Result<Reference, String> {
        let target = match &kernel.target {
            Ok((target, _)) => target,
            Err(why) => return Err(format!("nothing to compare with: {}: {why}", kernel.id)),
        };
        let lab = self.lab(machine);
        against::reference(&lab, self.library, target, &self.performed(), None, &mut |event| {
            reports.event(&event)
        })
    }

    /// What comes with a kernel and what goes, beside the one that it is held against.
    fn arrivals(&self, reference: &Reference, verdict: &KernelVerdict) -> Vec<String> {
        let (before, after) = (reference.changes(), &verdict.changes);
        arrivals(reference.kernel(), before, &verdict.kernel, after, &self.library.changes)
    }

    fn judge(
        &self,
        target: &Target,
        machine: &(Qemu, Choice),
        against: Option<&Reference>,
        reports: &Reports,
    ) -> KernelVerdict {
        let mut target = target.clone();
        target.expectation.release = self.baseline.or(target.expectation.release);
        target.expectation.require_fixes = self.args.require_fixes;
        let lab = self.lab(machine);
        let check = Check {
            library: self.library,
            lab: &lab,
            first: &BTreeSet::new(),
            shuffle: self.args.shuffle,
            policy: self.policy,
            own: self.own,
            waivers: self.waivers,
            against,
        };
        check.run(&target, &self.performed(), &mut |event| {
            log(&event);
            reports.event(&event);
        })
    }
}

/// Says of each session how it went, for who asked to hear more.
fn log(event: &RunEvent) {
    if let RunEvent::SessionJudged { kernel, verdict, millis, .. } = event {
        let status = verdict.status(Policy::default()).name();
        tracing::debug!("kernel {kernel}: {}: {status} after {millis} ms", verdict.session);
    }
}
