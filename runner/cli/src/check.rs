//! `scrubjay check`: sessions on kernels, judged.

use scrubjay_check::Check;
use scrubjay_engine::Lab;
use scrubjay_kernels::Resolver;
use scrubjay_machine::cleanup_on_signals;
use scrubjay_reports::{ExitStatus, Reports, RunEvent};
use scrubjay_session::Session;
use scrubjay_verdict::Library;

use crate::args::CheckArgs;
use crate::context::Context;
use crate::interrupt::Interrupt;
use crate::lab::{self, Obtained};
use crate::select::{self, Wanted};
use crate::{output, table};

/// Checks.
pub fn run(args: &CheckArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let library = context.library()?;
    let catalogue = context.catalogue()?;
    let sessions = select::sessions(&args.lab.sessions, &library.sessions, context)?;
    let wanted = select::kernels(&args.kernels, &catalogue)?;
    let resolver = context.resolver(args.lab.kernel_cache.as_deref())?;
    let reports = output::reports(args.format, args.output.as_deref(), &library.promises)?;
    output::told(&reports, |reports| check(args, &resolver, &library, &sessions, &wanted, reports))
}

fn check(
    args: &CheckArgs,
    resolver: &Resolver,
    library: &Library,
    sessions: &[&Session],
    wanted: &[Wanted],
    reports: &Reports,
) -> anyhow::Result<()> {
    let policy = args.policy.into();
    let kernels: Vec<_> = wanted.iter().map(|kernel| kernel.id().to_owned()).collect();
    reports.event(&RunEvent::RunStarted { policy, kernels, sessions: sessions.len() })?;
    let interrupt = Interrupt::listen()?;
    let obtained: Vec<Obtained> =
        wanted.iter().map(|kernel| lab::obtain(kernel, resolver, &interrupt)).collect::<Result<_, _>>()?;
    cleanup_on_signals()?;
    interrupt.check()?;
    let note = |text: String| reports.event(&RunEvent::Note { text });
    let first = obtained.iter().find_map(|kernel| kernel.target.as_ref().ok());
    let machine = first.map(|(target, _)| lab::machine(target)).transpose()?;
    if let Some((qemu, choice)) = &machine {
        note(format!("{qemu}; {}", table::count(usize::from(args.lab.vcpus), "vCPU")))?;
        note(choice.to_string())?;
    }
    for (_, provenance) in obtained.iter().filter_map(|kernel| kernel.target.as_ref().ok()) {
        note(provenance.clone())?;
    }
    for kernel in &obtained {
        let (target, (qemu, choice)) = match (&kernel.target, &machine) {
            (Ok((target, _)), Some(machine)) => (target, machine),
            (Ok(_), None) => continue,
            (Err(why), _) => {
                reports.event(&RunEvent::KernelFailed { kernel: kernel.id.clone(), why: why.clone() })?;
                continue;
            }
        };
        let lab = Lab {
            qemu,
            accel: choice.accel,
            vcpus: args.lab.vcpus,
            guests: args.lab.guests(),
            profiles: &library.profiles,
            sessions: &library.sessions,
            sabotage: Default::default(),
        };
        let check = Check { library, lab: &lab, shuffle: args.shuffle, policy };
        let mut written = Ok(());
        check.run(target, sessions, &mut |event| {
            let result = reports.event(&event);
            if written.is_ok() {
                written = result;
            }
        });
        written?;
    }
    Ok(())
}
