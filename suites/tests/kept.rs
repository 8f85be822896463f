//! Guests that start from a kept one give what guests give that boot: all sessions, both ways. For the default kernel;
//! for the others of the matrix where they are asked for, because each takes two runs of everything.

use anyhow::ensure;
use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_check::explained;
use scrubjay_engine::{KernelRun, Lab};
use scrubjay_kernels::Fwctl;
use scrubjay_session::{Performance, Session};
use scrubjay_suites::bench::Bench;
use scrubjay_suites::matrix::{self, Member};
use scrubjay_suites::same::same;

/// How many guests run at once.
const GUESTS: usize = 4;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::from_args();
    let members: Vec<_> = matrix::ids().iter().map(|id| matrix::member(id)).collect::<Result<_, _>>()?;
    let with_fwctl = members.into_iter().filter(|member| member.manifest.fwctl == Fwctl::Present);
    libtest_mimic::run(&arguments, with_fwctl.map(trial).collect()).exit();
}

fn trial(member: Member) -> Trial {
    let name = format!("{}::kept_guests_give_what_booted_ones_give", member.manifest.id);
    let left_out = member.manifest.id != matrix::DEFAULT;
    Trial::test(name, move || both_ways(&member).map_err(|e| Failed::from(format!("{e:#}"))))
        .with_ignored_flag(left_out)
}

fn both_ways(member: &Member) -> anyhow::Result<()> {
    let bench = Bench::new(member)?;
    let sessions: Vec<_> = bench.library().sessions.iter().collect();
    let booted = perform(&bench, &sessions, false);
    ensure!(booted.came_up.started == 0, "{} guests were not booted", booted.came_up.started);
    let started = perform(&bench, &sessions, true);
    let refusals = bench.target().kernel.kept.refusals();
    ensure!(started.came_up.started > started.came_up.booted, "{:?}: {refusals:?}", started.came_up);
    let skipped = |run: &KernelRun, id: &str| match run.performances.get(id) {
        Some(Performance::Skipped { why }) => Some(why.clone()),
        _ => None,
    };
    let mut performed = 0;
    for session in sessions {
        let why = skipped(&booted, &session.id);
        if why.is_some() && why == skipped(&started, &session.id) {
            continue;
        }
        // Where the golden knows more than one outcome, as of a read behind a buffer, each may have another of them.
        let known = |run: &KernelRun| {
            let performance = run.performances.get(&session.id);
            performance.is_some_and(|performance| explained(bench.library(), &session.id, performance))
        };
        if let Err(difference) = same(&booted, &started, session) {
            ensure!(known(&booted) && known(&started), "{difference:#}");
        }
        performed += 1;
    }
    ensure!(performed > 300, "{performed} sessions were performed");
    Ok(())
}

/// What is as recorded stands however busy the host is; what is not may be its doing, and is tried again.
fn perform(bench: &Bench, sessions: &[&Session], keep: bool) -> KernelRun {
    let lab = Lab { keep, guests: GUESTS, ..bench.lab() };
    let stands = |id: &str, performance: &Performance| explained(bench.library(), id, performance);
    lab.run_judged(&bench.target().kernel, sessions, &stands, &mut |_| {})
}
