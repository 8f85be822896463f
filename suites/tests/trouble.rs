//! What goes wrong in a guest is told as what it is, costs no other session its result, and is
//! never a pass.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_engine::{Kernel, KernelRun, Lab, Progress, Stands};
use scrubjay_machine::Qemu;
use scrubjay_session::observation::StepEnd;
use scrubjay_session::{Performance, Sessions};
use scrubjay_suites::bench::Bench;

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("an_ioctl_that_does_not_come_back_is_told_as_hung", || test(hung)),
        Trial::test("a_guest_that_is_spoiled_is_retired_and_the_rest_goes_on", || test(retired)),
        Trial::test("a_device_server_that_dies_is_an_error_that_names_it", || test(server_dies)),
        Trial::test("a_kernel_that_does_not_come_up_is_an_error_for_every_session", || test(no_kernel)),
        Trial::test("a_guest_that_stops_on_the_way_up_is_booted_once_more", || test(stopped_once)),
        Trial::test("a_step_that_the_firmware_cannot_take_is_an_error", || test(firmware_cannot)),
        Trial::test("a_doorbell_let_go_too_late_is_held_against_the_host", || test(late)),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn test(body: fn(&Bench) -> anyhow::Result<()>) -> Result<(), Failed> {
    let result = Bench::of_the_default().and_then(|bench| body(&bench));
    result.map_err(|e| Failed::from(format!("{e:#}")))
}

/// Runs sessions that are made here, all on the profile `vendor`.
fn run(
    bench: &Bench,
    kernel: &Kernel,
    sessions: &[(&str, &str)],
    tell: &mut (dyn FnMut(&Lab, &Progress) + Send),
) -> anyhow::Result<KernelRun> {
    run_in(bench.lab(), kernel, sessions, tell)
}

fn run_in(
    lab: Lab,
    kernel: &Kernel,
    sessions: &[(&str, &str)],
    tell: &mut (dyn FnMut(&Lab, &Progress) + Send),
) -> anyhow::Result<KernelRun> {
    // A host that is busy with other tests decides nothing here: what was performed is kept.
    let stands = |_: &str, performance: &Performance| matches!(performance, Performance::Performed(_));
    run_judged(lab, kernel, sessions, &stands, tell)
}

fn run_judged(
    lab: Lab,
    kernel: &Kernel,
    sessions: &[(&str, &str)],
    stands: &Stands,
    tell: &mut (dyn FnMut(&Lab, &Progress) + Send),
) -> anyhow::Result<KernelRun> {
    let dir = scrubjay_machine::RunDir::new()?;
    for (id, steps) in sessions {
        let text = format!(
            r#"{{"format": "scrubjay.session/1", "id": "{id}", "title": "t", "devices": ["vendor"],
                "promise": "A01", "steps": [{{"id": "open", "do": {{"open": {{}}}}}}, {steps}]}}"#
        );
        fs::write(dir.path().join(format!("{id}.json")), text)?;
    }
    let made = Sessions::load(dir.path())?;
    let lab = Lab { sessions: &made, ..lab };
    let all: Vec<_> = made.iter().collect();
    Ok(lab.run_judged(kernel, &all, stands, &mut |progress| tell(&lab, &progress)))
}

const GET: &str = r#"{"id": "get", "do": {"get-feature": {"feature": "power-cap", "count": 8}}}"#;

/// The device keeps the doorbell, and the step's deadline is over before the kernel's own 2 s. Where the host gave the
/// guest no time in between, the kernel gives up first, and the session is tried again as any other.
fn hung(bench: &Bench) -> anyhow::Result<()> {
    let steps = r#"{"id": "hold", "do": {"hold": {"opcode": "get-feature"}}},
        {"id": "get", "deadline_ms": 50, "do": {"get-feature": {"feature": "power-cap", "count": 8}}},
        {"id": "after", "do": {"taint": {}}}"#;
    let hung = |performance: &Performance| {
        let Performance::Performed(transcript) = performance else { return false };
        transcript.observation("get").end == StepEnd::Hung
    };
    let stands = |_: &str, performance: &Performance| hung(performance);
    let run = run_judged(bench.lab(), &bench.target().kernel, &[("a", steps)], &stands, &mut |_, _| {})?;
    let Some(Performance::Performed(transcript)) = run.performances.get("a") else {
        anyhow::bail!("{:?}", run.performances);
    };
    let end = |id: &str| transcript.observation(id).end;
    ensure!(end("get") == StepEnd::Hung && end("after") == StepEnd::NotReached, "{transcript:#?}");
    ensure!(!transcript.steps.last().context("steps")?.aside.stack.is_empty(), "no stack");
    Ok(())
}

/// The first session taints a clean guest: the second gets a fresh one, in which nothing is tainted.
fn retired(bench: &Bench) -> anyhow::Result<()> {
    let taints = r#"{"id": "taint", "do": {"rpc": {"opcode": "0x4000", "scope": "debug-write"}}}"#;
    let mut retired = 0;
    let sessions = [("a", taints), ("b", GET)];
    let run = run(bench, &bench.target().kernel, &sessions, &mut |_, progress| {
        retired += usize::from(matches!(progress, Progress::Retired { .. }));
    })?;
    ensure!(retired == 1 && run.came_up.booted == 2, "{retired} retired, {} boots", run.came_up.booted);
    let Some(Performance::Performed(transcript)) = run.performances.get("b") else {
        anyhow::bail!("{:?}", run.performances);
    };
    ensure!(transcript.steps.iter().all(|s| s.aside.taint_before == 0), "{transcript:#?}");
    ensure!(transcript.observation("get").errno == "ok", "{transcript:#?}");
    Ok(())
}

/// The server goes away between two sessions. That stands however busy the host was, because it is so once.
fn server_dies(bench: &Bench) -> anyhow::Result<()> {
    let sessions = [("a", GET), ("b", GET)];
    let stands = |_: &str, _: &Performance| true;
    let run = run_judged(bench.lab(), &bench.target().kernel, &sessions, &stands, &mut |lab, progress| {
        if matches!(progress, Progress::Session { session: "a", .. }) {
            lab.sabotage.arm();
        }
    })?;
    let why = match run.performances.get("b") {
        Some(Performance::Failed { why }) => why,
        other => anyhow::bail!("{other:?}"),
    };
    ensure!(why.contains("`vendor`") && why.contains("died"), "{why}");
    Ok(())
}

fn no_kernel(bench: &Bench) -> anyhow::Result<()> {
    let dir = scrubjay_machine::RunDir::new()?;
    let image = dir.path().join("bzImage");
    // The boot header is whole, what it announces is not there.
    let whole = fs::read(&bench.target().kernel.image)?;
    fs::write(&image, &whole[..64 << 10])?;
    let kernel = Kernel {
        id: "cut".into(),
        image,
        modules: Vec::new(),
        hz: None,
        instrumented: false,
        has: Default::default(),
        without: Default::default(),
        absent: None,
        kept: Default::default(),
    };
    let run = run(bench, &kernel, &[("a", GET), ("b", GET)], &mut |_, _| {})?;
    for id in ["a", "b"] {
        let failed = matches!(run.performances.get(id), Some(Performance::Failed { .. }));
        ensure!(failed, "{id}: {:?}", run.performances.get(id));
    }
    Ok(())
}

/// The first guest's CPUs never start.
fn stopped_once(bench: &Bench) -> anyhow::Result<()> {
    let dir = scrubjay_machine::RunDir::new()?;
    let (program, marker) = (dir.path().join("qemu-system-x86_64"), dir.path().join("started"));
    let script = format!(
        "#!/bin/bash\nif [[ $* != *-kernel* || -e {marker} ]]; then exec {qemu} \"$@\"; fi\n\
         touch {marker}; exec {qemu} -S \"$@\"\n",
        marker = marker.display(),
        qemu = bench.lab().qemu.path().display(),
    );
    fs::write(&program, script)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let qemu = Qemu::look_at(&program)?;
    let lab = Lab { qemu: &qemu, ..bench.lab() };
    let run = run_in(lab, &bench.target().kernel, &[("a", GET)], &mut |_, _| {})?;
    ensure!(marker.exists(), "no guest was stopped");
    ensure!(matches!(run.performances.get("a"), Some(Performance::Performed(_))), "{:?}", run.performances);
    Ok(())
}

fn firmware_cannot(bench: &Bench) -> anyhow::Result<()> {
    let steps = r#"{"id": "set", "do": {"firmware-set": {"feature": "no-such", "bytes": "00"}}}"#;
    let run = run(bench, &bench.target().kernel, &[("a", steps), ("b", GET)], &mut |_, _| {})?;
    match run.performances.get("a") {
        Some(Performance::Failed { why }) if why.contains("no-such") => {}
        other => anyhow::bail!("{other:?}"),
    }
    ensure!(matches!(run.performances.get("b"), Some(Performance::Performed(_))), "{:?}", run.performances);
    Ok(())
}

/// The kernel waits 2 s for a doorbell; a host that was busy for longer proves nothing about it.
fn late(bench: &Bench) -> anyhow::Result<()> {
    let steps = format!(
        r#"{{"id": "hold", "do": {{"hold": {{"opcode": "get-feature"}}}}}},
        {{"id": "race", "do": {{"parallel": {{"branches": [
            {{"name": "rpc", "steps": [{GET}]}},
            {{"name": "firmware", "steps": [
                {{"id": "held", "do": {{"await-held": {{}}}}}},
                {{"id": "busy", "do": {{"pause": {{"ms": 1700}}}}}},
                {{"id": "release", "do": {{"release": {{}}}}}}]}}]}}}}}}"#
    );
    let run = run(bench, &bench.target().kernel, &[("a", &steps), ("b", GET)], &mut |_, _| {})?;
    match run.performances.get("a") {
        Some(Performance::Failed { why }) if why.contains("host is too busy") => {}
        other => anyhow::bail!("{other:?}"),
    }
    ensure!(run.came_up.booted > 2, "it was tried once only");
    ensure!(matches!(run.performances.get("b"), Some(Performance::Performed(_))), "{:?}", run.performances);
    Ok(())
}
