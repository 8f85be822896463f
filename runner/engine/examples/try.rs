//! Throw-away.
use scrubjay_engine::{Kernel, Lab, Progress};
use scrubjay_session::{profile::Profiles, Sessions, Performance};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let profiles = Profiles::load_dir("vectors/devices".as_ref()).unwrap_or_else(|e| panic!("{e}"));
    let sessions = Sessions::load("vectors/sessions".as_ref()).unwrap_or_else(|e| panic!("{e}"));
    let qemu = scrubjay_machine::Qemu::find().unwrap();
    let accel = scrubjay_machine::Accel::Tcg;
    let lab = Lab { qemu: &qemu, accel, vcpus: 2, profiles: &profiles, sessions: &sessions };
    let kernel = Kernel { id: "try".into(), image: args[1].clone().into(), modules: vec![] };
    let wanted: Vec<_> = sessions.iter().filter(|s| args.len() < 3 || args[2..].iter().any(|a| s.id.starts_with(a.as_str()))).collect();
    let start = std::time::Instant::now();
    let run = lab.run(&kernel, &wanted, &mut |p| match p {
        Progress::Booting(plan) => println!("boot {} with {:?} at {:?}", plan.name(), plan.devices, start.elapsed()),
        Progress::Session { session, performance, time } => match performance {
            Performance::Performed(t) if args.len() >= 3 => println!("{session} {time:?} {}", serde_json::to_string_pretty(t).unwrap()),
            Performance::Performed(_) => println!("{session} {time:?} performed"),
            other => println!("{session} {time:?} {other:?}"),
        },
        Progress::Retired { why, .. } => println!("retired: {why} at {:?}", start.elapsed()),
    });
    println!("{} {:?} {:?} boots {} in {:?}", run.release, run.absent, run.not_checked, run.boots, start.elapsed());
}
