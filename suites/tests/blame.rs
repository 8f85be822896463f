//! Whose fault it is: what a host that stands still does to a guest, and what one session does to another, is never told
//! of the kernel. The processes are really stopped.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scrubjay_check::Check;
use scrubjay_engine::{KernelRun, Lab, Progress, Stands};
use scrubjay_run::{Consumer, ExitStatus, RunEvent, Tally};
use scrubjay_session::observation::{OK, Observation};
use scrubjay_session::{Performance, Sessions};
use scrubjay_suites::bench::Bench;
use scrubjay_suites::matrix;
use scrubjay_verdict::{Library, Policy, Reference, Status, Waivers};

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("a_call_that_a_suspended_scrubjay_did_not_serve_is_made_again", || test(suspended)),
        Trial::test("a_call_that_a_stopped_qemu_kept_waiting_is_made_again", || test(qemu_stopped)),
        Trial::test("a_host_that_never_runs_a_guest_whole_is_an_error", || test(never_whole)),
        Trial::test("what_stands_is_kept_though_the_host_stood_still", || test(stands_all_the_same)),
        Trial::test("who_disturbs_a_guest_is_named_and_its_victims_pass", || test(company)),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn test(body: fn(&Bench) -> anyhow::Result<()>) -> Result<(), Failed> {
    let result = Bench::of_the_default().and_then(|bench| body(&bench));
    result.map_err(|e| Failed::from(format!("{e:#}")))
}

const OPEN: &str = r#"{"id": "open", "do": {"open": {}}}"#;
const GET: &str = r#"{"id": "get", "do": {"get-feature": {"feature": "power-cap", "count": 8}}}"#;

/// Sessions of these steps, all on the profile `vendor`.
fn made(sessions: &[(&str, String)]) -> anyhow::Result<Sessions> {
    let dir = scrubjay_machine::RunDir::new()?;
    for (id, steps) in sessions {
        let text = format!(
            r#"{{"format": "scrubjay.session/1", "id": "{id}", "title": "t", "devices": ["vendor"],
                "promise": "A01", "steps": [{steps}]}}"#
        );
        fs::write(dir.path().join(format!("{id}.json")), text)?;
    }
    Ok(Sessions::load(dir.path())?)
}

/// Runs them in one guest, as far as it serves them all.
fn run(
    bench: &Bench,
    sessions: &[(&str, String)],
    stands: &Stands,
    tell: &mut (dyn FnMut(&Progress) + Send),
) -> anyhow::Result<KernelRun> {
    let made = made(sessions)?;
    let lab = Lab { sessions: &made, ..bench.lab() };
    let all: Vec<_> = made.iter().collect();
    Ok(lab.run_judged(&bench.target().kernel, &all, stands, &mut |progress| tell(&progress)))
}

fn errno(run: &KernelRun, session: &str, step: &str) -> String {
    match run.performances.get(session) {
        Some(Performance::Performed(transcript)) => transcript.observation(step).errno,
        other => format!("{other:?}"),
    }
}

/// Every QEMU of this process: its children but for the shells that [`stop`] starts. One that `ci/setup` made is run by
/// a loader of its own, whose name it has.
fn guests() -> Vec<Pid> {
    let own = std::process::id().to_string();
    let pid = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let parent = rest.split_whitespace().nth(1)?;
        (!name.ends_with("(sh") && parent == own).then(|| Pid::from_raw(pid))
    };
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(pid).collect()
}

/// Stops these processes for so long, from a moment later on.
fn stop(processes: &[Pid], moment: &str, seconds: &str) -> anyhow::Result<Child> {
    let processes = processes.iter().map(Pid::to_string).collect::<Vec<_>>().join(" ");
    let script = format!("sleep {moment}; kill -STOP {processes}; sleep {seconds}; kill -CONT {processes}");
    Ok(Command::new("sh").args(["-c", &script]).spawn()?)
}

/// A session whose call waits for the device while it holds the doorbell, and is let go in time.
fn held() -> String {
    format!(
        r#"{OPEN}, {{"id": "hold", "do": {{"hold": {{"opcode": "get-feature"}}}}}},
        {{"id": "race", "do": {{"parallel": {{"branches": [
            {{"name": "rpc", "steps": [{GET}]}},
            {{"name": "firmware", "steps": [
                {{"id": "held", "do": {{"await-held": {{}}}}}},
                {{"id": "a-moment", "do": {{"pause": {{"ms": 900}}}}}},
                {{"id": "release", "do": {{"release": {{}}}}}}]}}]}}}}}},
        {{"id": "after", "do": {{"get-feature": {{"feature": "power-cap", "count": 8}}}}}}"#
    )
}

fn is_right(seen: &Observation) -> bool {
    let nested = seen.branches.iter().flat_map(|branch| &branch.steps);
    seen.errno == OK && nested.map(|seen| &seen.observation).all(is_right)
}

/// Performs `a`, then a session during which processes are stopped once; what came of it at last.
fn stopped_once(
    bench: &Bench,
    steps: String,
    whom: fn() -> Vec<Pid>,
    seconds: &str,
) -> anyhow::Result<KernelRun> {
    let mut stopper = None;
    let all = [("a", format!("{OPEN}, {GET}")), ("b", steps)];
    // What is right stands, as it does where a golden says so: how busy the host is besides decides nothing.
    let right = |_: &str, performance: &Performance| match performance {
        Performance::Performed(transcript) => transcript.steps.iter().all(|seen| is_right(&seen.observation)),
        _ => false,
    };
    let run = run(bench, &all, &right, &mut |progress| {
        if matches!(progress, Progress::Session { session: "a", .. }) && stopper.is_none() {
            stopper = Some(stop(&whom(), "0.3", seconds));
        }
    })?;
    stopper.context("`a` was never told of")??.wait()?;
    Ok(run)
}

/// The call is in flight while nobody serves the device: a kernel waits 2 s for a mailbox, and QEMU 5 s for a device.
fn suspended(bench: &Bench) -> anyhow::Result<()> {
    let run = stopped_once(bench, held(), || vec![Pid::this()], "15")?;
    ensure!(errno(&run, "b", "race") == OK && errno(&run, "b", "after") == OK, "{:?}", run.performances);
    let why = |again: &scrubjay_engine::Again| again.why.contains("stood still");
    ensure!(run.came_up.again.iter().any(why), "{:?}", run.came_up.again);
    Ok(())
}

fn qemu_stopped(bench: &Bench) -> anyhow::Result<()> {
    let run = stopped_once(bench, held(), guests, "3")?;
    ensure!(errno(&run, "b", "race") == OK && errno(&run, "b", "after") == OK, "{:?}", run.performances);
    let why = |again: &scrubjay_engine::Again| again.why.contains("QEMU was stopped");
    ensure!(run.came_up.again.iter().any(why), "{:?}", run.came_up.again);
    Ok(())
}

/// One that has ended meanwhile is no matter.
fn signal_all(processes: &[Pid], signal: Signal) {
    for process in processes {
        let _ = kill(*process, signal);
    }
}

/// Stops every guest again and again while `body` runs, so often that none comes up without: a boot takes a second.
fn stuttering<T>(body: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let guests = guests();
                signal_all(&guests, Signal::SIGSTOP);
                thread::sleep(Duration::from_millis(150));
                signal_all(&guests, Signal::SIGCONT);
                thread::sleep(Duration::from_millis(150));
            }
        });
        let result = body();
        over.store(true, Ordering::SeqCst);
        result
    })
}

fn never_whole(bench: &Bench) -> anyhow::Result<()> {
    let all = [("a", format!("{OPEN}, {GET}"))];
    let run = stuttering(|| run(bench, &all, &|_, _| false, &mut |_| {}))?;
    match run.performances.get("a") {
        Some(Performance::Failed { why }) if why.contains("the host did not let it run") => {}
        other => anyhow::bail!("{other:?}"),
    }
    ensure!(
        run.came_up.again.iter().filter(|again| again.session.is_some()).count() == 3,
        "{:?}",
        run.came_up.again
    );
    Ok(())
}

fn stands_all_the_same(bench: &Bench) -> anyhow::Result<()> {
    let all = [("a", format!("{OPEN}, {GET}"))];
    let run = stuttering(|| run(bench, &all, &|_, _| true, &mut |_| {}))?;
    ensure!(errno(&run, "a", "get") == OK, "{:?}", run.performances);
    ensure!(run.came_up.again.iter().all(|again| again.session.is_none()), "{:?}", run.came_up.again);
    Ok(())
}

/// What the kernel keeps of a repair is no value of the device: nobody puts it back between sessions.
fn company(bench: &Bench) -> anyhow::Result<()> {
    let dpa = |id: &str, rest: &str| {
        format!(r#"{{"id": "{id}", "do": {{{rest}}}}}"#)
            .replace("AT", r#"{"anchor": "edac", "path": "mem_repair1/dpa"}"#)
    };
    let quiet = || format!("{OPEN}, {GET}");
    let all = [
        ("a", quiet()),
        ("b", quiet()),
        ("c-writes", dpa("write", r#""write": {"at": AT, "text": "0x1000"}"#)),
        ("d", quiet()),
        ("e-reads", dpa("read", r#""read": AT"#)),
        ("f-reads", dpa("read", r#""read": AT"#)),
    ];
    let library = Library { sessions: made(&all)?, ..Library::load(&matrix::root())? };
    let lab = Lab { sessions: &library.sessions, ..bench.lab() };
    let kernel = &bench.target().kernel;
    let mut alone = KernelRun::default();
    for session in library.sessions.iter() {
        alone.merge(lab.run_judged(kernel, &[session], &|_, _| true, &mut |_| {}));
    }
    let reference = Reference::new("alone", &alone.release, &alone.performances, &library.books());
    let check = Check {
        library: &library,
        lab: &lab,
        first: &BTreeSet::new(),
        shuffle: None,
        policy: Policy::Frozen,
        own: None,
        waivers: &Waivers::default(),
        against: Some(&reference),
    };
    let (mut tally, mut undisturbed) = (Tally::default(), true);
    let sessions: Vec<_> = library.sessions.iter().collect();
    let mut tell = |event: RunEvent| {
        undisturbed &= !matches!(&event, RunEvent::KernelJudged { guests, .. } if !guests.again.is_empty());
        drop(tally.event(&event));
    };
    let verdict = check.run(bench.target(), &sessions, &mut tell);
    ensure!(tally.exit_status() != ExitStatus::Broken, "{verdict:#?}");
    // On a host that starves the guest the victims are tried again, alone, and nobody sees that they were any.
    if !undisturbed {
        return Ok(());
    }
    for session in &verdict.sessions {
        let expected = if session.session == "c-writes" { Status::Error } else { Status::Pass };
        ensure!(session.status(Policy::Frozen) == expected, "{session:#?}");
    }
    let culprit = verdict.sessions.iter().find(|s| s.session == "c-writes").context("no culprit")?;
    let why = culprit.error.as_deref().unwrap_or_default();
    ensure!(why.contains("disturbs its guest: `e-reads`, `f-reads` failed after it"), "{why}");
    ensure!(tally.exit_status() == ExitStatus::Untested, "{:?}", tally.exit_status());
    Ok(())
}
