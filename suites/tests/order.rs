//! The order of sessions does not decide what they give: in order, shuffled, alone.

use anyhow::{Context, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_check::explained;
use scrubjay_engine::{KernelRun, shuffled};
use scrubjay_session::{Boot, Performance, Session};
use scrubjay_suites::bench::Bench;
use scrubjay_suites::same::same;

/// Any will do; another each time would make a failure that cannot be repeated.
const SEED: u64 = 0x5c2b_1a77;

/// Sessions that are run in a guest of their own: one of each kind that leaves something behind.
const ALONE: [&str; 4] = ["get-value", "edac-write-seen-by-fwctl", "set-immediate-by-scope", "set-in-parts"];

fn main() {
    let arguments = Arguments::from_args();
    let trials =
        vec![Trial::test("sessions_shuffled_and_alone_give_what_they_give_in_order", || test(like_in_order))];
    libtest_mimic::run(&arguments, trials).exit();
}

fn test(body: fn(&Bench) -> anyhow::Result<()>) -> Result<(), Failed> {
    let result = Bench::of_the_default().and_then(|bench| body(&bench));
    result.map_err(|e| Failed::from(format!("{e:#}")))
}

/// What is as recorded stands however busy the host is; what is not may be its doing, and is tried again.
fn perform(bench: &Bench, sessions: &[&Session]) -> KernelRun {
    let stands = |id: &str, performance: &Performance| explained(bench.library(), id, performance);
    bench.lab().run_judged(&bench.target().kernel, sessions, &stands, &mut |_| {})
}

/// The sessions that share a boot with others.
fn shared(bench: &Bench) -> Vec<&Session> {
    let sessions = bench.library().sessions.iter();
    sessions.filter(|s| s.boot != Boot::Quarantine && !s.spoils_guest()).collect()
}

fn like_in_order(bench: &Bench) -> anyhow::Result<()> {
    let sessions = shared(bench);
    let in_order = perform(bench, &sessions);
    shuffled_like(&in_order, bench, sessions).context("shuffled")?;
    alone_like(&in_order, bench).context("alone")
}

fn shuffled_like(in_order: &KernelRun, bench: &Bench, sessions: Vec<&Session>) -> anyhow::Result<()> {
    let mixed = perform(bench, &shuffled(sessions.clone(), SEED));
    let skipped = |run: &KernelRun, session: &Session| match run.performances.get(&session.id) {
        Some(Performance::Skipped { why }) => Some(why.clone()),
        _ => None,
    };
    // What a kernel lacks it lacks in every order.
    let lacking = |session: &&Session| {
        let why = skipped(in_order, session);
        why.is_some() && why == skipped(&mixed, session)
    };
    let (lacking, performed): (Vec<_>, Vec<_>) = sessions.into_iter().partition(lacking);
    ensure!(performed.len() > lacking.len(), "{} sessions were skipped, most of all", lacking.len());
    performed.iter().try_for_each(|session| same(in_order, &mixed, session))
}

fn alone_like(in_order: &KernelRun, bench: &Bench) -> anyhow::Result<()> {
    for id in ALONE {
        let session = bench.library().sessions.get(id).with_context(|| format!("no session `{id}`"))?;
        same(in_order, &perform(bench, &[session]), session)?;
    }
    Ok(())
}
