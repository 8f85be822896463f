//! Figures for a person. Measures nothing.

use std::fmt::Write;

use crate::figures::{Call, Figures, Laps};

/// The figures as text, ended by a new line.
pub fn text(figures: &Figures) -> String {
    let mut out = String::new();
    write(figures, &mut out).expect("a string takes everything");
    out
}

fn write(f: &Figures, out: &mut String) -> std::fmt::Result {
    writeln!(out, "kernel {} ({}), {} vCPUs", f.kernel, f.release, f.vcpus)?;
    writeln!(out, "{}\n{}", f.qemu, f.accelerator)?;
    let others = f.host.others * 100.0;
    let load = f.host.load_average;
    writeln!(out, "{} processors, load average {load:.1}, other work took {others:.0} %", f.host.processors)?;
    if !f.host.is_quiet {
        writeln!(out, "the host was busy with other work: hold on to the ratios, not to the times")?;
    }
    shared(f, out)?;
    calls(f, out)?;
    everything(f, out)?;
    let mib = f.memory.peak_kib as f64 / 1024.0;
    let limit = f.targets.peak_kib as f64 / 1024.0;
    writeln!(out, "\nmemory of this process, guests not counted")?;
    writeln!(out, "  at the most   {mib:8.1} MiB{}", aim("below", limit, mib < limit))
}

fn shared(f: &Figures, out: &mut String) -> std::fmt::Result {
    let shared = &f.shared;
    let limit = f.targets.shared_ratio;
    writeln!(
        out,
        "\nthe shared boot: {} sessions, {} devices; medians of {} pairs",
        shared.sessions, shared.devices, shared.pairs
    )?;
    writeln!(out, "  sessions      {:8.3} s", shared.seconds)?;
    writeln!(out, "  bare          {:8.3} s, to a PID 1 that powers off at once", shared.bare_seconds)?;
    writeln!(out, "  ratio         {:8.3}{}", shared.ratio, aim("at most", limit, shared.ratio <= limit))?;
    let micros = shared.step_micros;
    let kept = aim("at most", f.targets.step_micros, micros <= f.targets.step_micros);
    writeln!(out, "  a step        {micros:8.0} µs of this process, {} steps{kept}", shared.steps)?;
    writeln!(out, "  where it goes")?;
    for (name, seconds) in parts(&shared.laps) {
        writeln!(out, "    {name:<12}{seconds:8.3} s")?;
    }
    let longest = shared.longest.iter().map(|(id, seconds)| format!("{id} {seconds:.3} s"));
    writeln!(out, "  longest       {}", longest.collect::<Vec<_>>().join(", "))
}

fn calls(f: &Figures, out: &mut String) -> std::fmt::Result {
    let limit = f.targets.get_micros;
    writeln!(out, "\none call, in the median            µs  vfio-user messages")?;
    let mut row = |name: &str, call: &Call, aim: String| {
        writeln!(out, "  {name:<28}{:7.1}{:8.1}{aim}", call.micros, call.messages)
    };
    let kept = |call: &Call| aim("at most", limit, call.micros <= limit);
    row("Get Feature, 8 bytes", &f.calls.get_8, kept(&f.calls.get_8))?;
    row("Get Feature, 1 KiB", &f.calls.get_1024, kept(&f.calls.get_1024))?;
    if let Some(call) = &f.calls.edac {
        row("EDAC, the same device", call, String::new())?;
    }
    match &f.calls.edac_stock {
        Some(call) => row("EDAC, QEMU's cxl-type3", call, String::new()),
        None => writeln!(out, "  this kernel has no EDAC"),
    }
}

fn everything(f: &Figures, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\nevery boot, one guest at a time, in seconds")?;
    let heads = parts(&Laps::default()).map(|(name, _)| format!("{name:>10}")).concat();
    writeln!(out, "  {:<34}{:>6}{:>9}{heads}", "", "boots", "sessions")?;
    let mut row = |name: &str, boots: usize, sessions: usize, laps: &Laps| {
        let cells = parts(laps).map(|(_, seconds)| format!("{seconds:10.3}")).concat();
        writeln!(out, "  {name:<34}{boots:6}{sessions:9}{cells}")
    };
    for group in &f.everything.groups {
        row(&group.name, group.boots, group.sessions, &group.laps)?;
    }
    let sum = |of: fn(&crate::figures::Group) -> usize| f.everything.groups.iter().map(of).sum();
    row("all", sum(|g| g.boots), sum(|g| g.sessions), &f.everything.laps)?;
    writeln!(out, "\nsweeps                          calls    seconds    calls a second")?;
    for sweep in &f.everything.sweeps {
        let name = &sweep.session;
        writeln!(out, "  {name:<26}{:9}{:11.3}{:18.0}", sweep.calls, sweep.seconds, sweep.rate)?;
    }
    Ok(())
}

fn parts(laps: &Laps) -> [(&'static str, f64); 7] {
    [
        ("devices", laps.devices),
        ("firmware", laps.firmware),
        ("kernel", laps.kernel),
        ("settle", laps.settle),
        ("sessions", laps.sessions),
        ("end", laps.end),
        ("whole", laps.whole),
    ]
}

/// What is aimed at, and whether it is met.
fn aim(how: &str, limit: f64, met: bool) -> String {
    format!("   aim: {how} {limit}, {}", if met { "met" } else { "not met" })
}
