//! `KERNEL::SESSION`, a trial for each, and `KERNEL::(history)` for the kernel as a whole.

use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_kernels::Fwctl;
use scrubjay_session::{Session, Sessions};
use scrubjay_suites::bench::{self, Bench};
use scrubjay_suites::matrix::{self, Member};
use scrubjay_suites::store::Store;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::from_args();
    // cargo-nextest starts a process for each trial and names it.
    let named =
        arguments.filter.as_deref().filter(|_| arguments.exact).and_then(|name| name.split_once("::"));
    let trials = match named {
        Some((kernel, session)) => match Store::of_this_run().verdict(kernel, session)? {
            Some(verdict) => {
                vec![Trial::test(format!("{kernel}::{session}"), move || told(bench::stands(&verdict)))]
            }
            None => of_kernels(&[kernel.to_owned()], &arguments)?,
        },
        None => of_kernels(&matrix::ids(), &arguments)?,
    };
    libtest_mimic::run(&arguments, trials).exit();
}

/// The trials of these kernels. What a session needs is read here; all else only by the trial that boots.
fn of_kernels(ids: &[String], arguments: &Arguments) -> anyhow::Result<Vec<Trial>> {
    let sessions = Sessions::load(&matrix::root().join("vectors/sessions"))?;
    let mut trials = Vec::new();
    for id in ids {
        let member = matrix::member(id)?;
        if !member.is_here() && !arguments.list {
            eprintln!("kernel {id} is left out: no image of it is here");
        }
        trials.push(whole(&member));
        // On a kernel without fwctl there is nothing that a session could be held to.
        if member.manifest.fwctl == Fwctl::Present {
            trials.extend(sessions.iter().map(|session| trial(&member, session)));
        }
    }
    Ok(trials)
}

fn whole(member: &Member) -> Trial {
    let name = match member.manifest.fwctl {
        Fwctl::Present => "(history)",
        Fwctl::Absent { .. } => "(absent)",
    };
    let name = format!("{}::{name}", member.manifest.id);
    let (member, here) = (member.clone(), member.is_here());
    Trial::test(name, move || told(Bench::new(&member).and_then(|bench| bench.whole())))
        .with_ignored_flag(!here)
}

fn trial(member: &Member, session: &Session) -> Trial {
    let name = format!("{}::{}", member.manifest.id, session.id);
    let lacking = session.needs.iter().any(|need| !member.has(*need));
    let ignored = !member.is_here() || lacking;
    let (member, id) = (member.clone(), session.id.clone());
    Trial::test(name, move || told(Bench::new(&member).and_then(|bench| bench.session(&id))))
        .with_ignored_flag(ignored)
}

fn told(result: anyhow::Result<()>) -> Result<(), Failed> {
    result.map_err(|e| Failed::from(format!("{e:#}")))
}
