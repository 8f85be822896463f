//! Boots one kernel and says what happened: whether it came up, by which accelerator and way, and how
//! long each part took. For a person whose kernel does not come up, for the figures in
//! docs/machine.md, and for the tests that need a process of their own. Runs no session.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use scrubjay_machine::{
    BootError, Deadlines, Death, Device, Guest, GuestError, Kind, Port, Qemu, RunDir, Spec, Ways, accel,
};

const USAGE: &str = "usage: scrubjay-boot KERNEL [OPTION]…
  --append TEXT   more kernel parameters
  --console FILE  the console goes there as well
  --init FILE     another static program than the agent as PID 1
  --serial        no virtio-serial port
  --stock N       N of QEMU's own CXL memory devices
  --vcpus N       1, 2 or 4
  --times N       boots N times, and gives the median
  --hold          stays up until a signal comes";

struct Options {
    spec: Spec,
    times: usize,
    hold: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scrubjay-boot: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    scrubjay_host::interrupt::cleanup_on_signals()?;
    let (qemu, mut options) = (Qemu::find()?, parse()?);
    let choice = accel::choose(&qemu, &options.spec.kernel)?;
    options.spec.accel = choice.accel;
    println!("{qemu}\n{choice}");
    let deadlines = Deadlines::new(options.spec.accel, options.spec.vcpus);
    if options.hold {
        return hold(&qemu, &options.spec, &deadlines);
    }
    let mut parts = [("first word", vec![]), ("ready", vec![]), ("gone", vec![])];
    for _ in 0..options.times {
        let start = Instant::now();
        if let Some(times) = once(&qemu, &options.spec, &deadlines)? {
            parts[0].1.push(times.0);
            parts[1].1.push(times.1);
        }
        parts[2].1.push(start.elapsed());
    }
    for (name, mut part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
        part.sort();
        let (median, least) = (part[part.len() / 2].as_millis(), part[0].as_millis());
        println!("{name}: {median} ms in the median of {}, {least} ms at least", part.len());
    }
    Ok(())
}

/// Boots and powers off. No times for a PID 1 that powers off by itself.
fn once(
    qemu: &Qemu,
    spec: &Spec,
    deadlines: &Deadlines,
) -> Result<Option<(Duration, Duration)>, Box<dyn Error>> {
    let guest = match Guest::boot(qemu, spec, deadlines) {
        Ok(guest) => guest,
        Err(BootError::Guest { source, .. })
            if matches!(*source, GuestError::Died { death: Death::PoweredOff, .. }) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let (times, release, way) = (guest.times(), guest.hello().release.clone(), guest.way());
    let (farewell, console) = guest.power_off();
    println!("Linux {release} by {way}: {farewell:?}, {} console lines", console.0.lines().count());
    Ok(Some((times.output, times.ready)))
}

fn hold(qemu: &Qemu, spec: &Spec, deadlines: &Deadlines) -> Result<(), Box<dyn Error>> {
    let sockets = RunDir::new()?;
    let mut guest = Guest::boot(qemu, spec, deadlines)?;
    println!("up: QEMU {} sockets {}", guest.qemu_pid(), sockets.path().display());
    loop {
        match guest.receive(Duration::from_secs(1)) {
            Ok(_) | Err(GuestError::Silent { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn parse() -> Result<Options, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let kernel = arguments.next().filter(|first| !first.starts_with('-')).ok_or(USAGE)?;
    // The accelerator is chosen when the kernel is known.
    let mut options =
        Options { spec: Spec::new(kernel, scrubjay_machine::Accel::Tcg), times: 1, hold: false };
    while let Some(name) = arguments.next() {
        let spec = &mut options.spec;
        let mut value = || arguments.next().ok_or_else(|| format!("{name}: a value is missing\n{USAGE}"));
        match &*name {
            "--append" => spec.append = value()?,
            "--console" => spec.console_file = Some(value()?.into()),
            "--init" => spec.init = std::fs::read(value()?)?.into(),
            "--serial" => spec.ways = Ways::Serial,
            "--stock" => spec.devices = (0..value()?.parse()?).map(stock).collect(),
            "--vcpus" => spec.vcpus = value()?.parse()?,
            "--times" => options.times = value()?.parse()?,
            "--hold" => options.hold = true,
            _ => return Err(format!("{name}: no such option\n{USAGE}").into()),
        }
    }
    Ok(options)
}

fn stock(index: u64) -> Device {
    Device { port: Port::Cxl, kind: Kind::StockType3 { size_mib: 256, serial: index + 1 } }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
