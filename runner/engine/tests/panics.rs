//! A mistake of this program in one thread: whose results it costs, and whose not. No guest comes up for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scrubjay_engine::{Kernel, Lab, Progress};
use scrubjay_machine::{Accel, Qemu};
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_session::{Boot, Performance, Session, Sessions};

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn a_panic_in_one_plan_is_an_error_of_its_sessions_and_costs_no_other() {
    let profiles = Profiles::load_dir(&source("vectors/devices")).unwrap();
    let sessions = Sessions::load(&source("vectors/sessions")).unwrap();
    let qemu = Qemu::look_at(&source("runner/machine/tests/fixtures/fit/qemu-system-x86_64")).unwrap();
    let kernel = Kernel {
        id: "none".into(),
        image: "no/such/bzImage".into(),
        modules: Vec::new(),
        hz: None,
        instrumented: false,
        has: BTreeMap::new(),
        without: BTreeMap::new(),
        absent: None,
        kept: Default::default(),
    };
    let lab = Lab {
        qemu: &qemu,
        accel: Accel::Tcg,
        vcpus: 2,
        guests: 2,
        keep: true,
        thorough: false,
        until: None,
        profiles: &profiles,
        sessions: &sessions,
        sabotage: Default::default(),
    };
    // One of a boot of its own, and one of a boot that it could share.
    let of = |boot| sessions.iter().find(|session| session.boot == boot).unwrap();
    let asked: [&Session; 2] = [of(Boot::Quarantine), of(Boot::Clean)];
    let mut panics = true;
    let run = lab.run(&kernel, &asked, &mut |progress| {
        if matches!(progress, Progress::Booting(_)) && std::mem::take(&mut panics) {
            panic!("as a mistake would");
        }
    });
    let why = |session: &&Session| match run.performances.get(&session.id) {
        Some(Performance::Failed { why }) => why.clone(),
        other => panic!("{other:?}"),
    };
    let (ours, others): (Vec<_>, Vec<_>) =
        asked.iter().map(why).partition(|why| why.starts_with("scrubjay panicked: as a mistake would"));
    assert_eq!((ours.len(), others.len()), (1, 1), "{ours:?} {others:?}");
    assert!(others[0].contains("no/such/bzImage"), "{others:?}");
}
