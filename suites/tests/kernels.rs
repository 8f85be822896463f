//! `KERNEL::SESSION`, a trial for each, and `KERNEL::(history)` for the kernel as a whole.

use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_kernels::{Fwctl, Manifest};
use scrubjay_session::Session;
use scrubjay_suites::bench::Bench;
use scrubjay_suites::matrix::{self, Member};
use scrubjay_verdict::Library;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::from_args();
    let library = Library::load(&matrix::root())?;
    let mut trials = Vec::new();
    for member in matrix::members()? {
        if !member.is_here() && !arguments.list {
            eprintln!("kernel {} is left out: no image of it is here", member.manifest.id);
        }
        trials.push(whole(&member));
        // On a kernel without fwctl there is nothing that a session could be held to.
        if member.manifest.fwctl == Fwctl::Present {
            trials.extend(library.sessions.iter().map(|session| trial(&member, session)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn whole(member: &Member) -> Trial {
    let manifest = member.manifest.clone();
    let name = match manifest.fwctl {
        Fwctl::Present => "(history)",
        Fwctl::Absent { .. } => "(absent)",
    };
    let name = format!("{}::{name}", manifest.id);
    Trial::test(name, move || run(&manifest, |bench| bench.whole())).with_ignored_flag(!member.is_here())
}

fn trial(member: &Member, session: &Session) -> Trial {
    let (manifest, session) = (member.manifest.clone(), session.clone());
    let name = format!("{}::{}", manifest.id, session.id);
    let lacking = session.needs.iter().any(|need| !member.has(*need));
    Trial::test(name, move || run(&manifest, |bench| bench.session(&session)))
        .with_ignored_flag(!member.is_here() || lacking)
}

fn run(manifest: &Manifest, test: impl FnOnce(&Bench) -> anyhow::Result<()>) -> Result<(), Failed> {
    let bench = Bench::new(manifest).map_err(|e| Failed::from(format!("{e:#}")))?;
    test(&bench).map_err(|e| Failed::from(format!("{e:#}")))
}
