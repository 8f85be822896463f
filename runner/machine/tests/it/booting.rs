//! Guests that come up, by every way and with every kind of device.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rstest::rstest;
use scrubjay_device::Device as Served;
use scrubjay_machine::{Device, Farewell, Guest, Kind, Port, RunDir, Way, Ways};
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_wire::op::{Op, Probe, Settling};
use scrubjay_wire::{Attached, GuestStep, Program, Settle, ToGuest, ToHost};

use crate::guests::boot;
use crate::support::{deadlines, spec};

fn stock(port: Port) -> Device {
    Device { port, kind: Kind::StockType3 { size_mib: 256, serial: 0x5c4b } }
}

fn settle(guest: &mut Guest, port: &str, until: Probe) -> Vec<bool> {
    let devices = vec![Attached { name: "stock".into(), port: port.into(), until }];
    guest.send(&ToGuest::Settle(Settle { devices, deadline_ms: 20_000 })).unwrap();
    match guest.receive(Duration::from_secs(40)).unwrap() {
        ToHost::Settled { reached, .. } => reached,
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::virtio(Ways::Both, Way::Virtio, "virtio")]
#[case::without_virtio(Ways::Serial, Way::Serial, "16550")]
fn an_agent_reports_answers_and_powers_off(#[case] ways: Ways, #[case] way: Way, #[case] channel: &str) {
    let mut spec = spec();
    spec.ways = ways;
    spec.append = "scrubjay.mark=17".into();
    let mut guest = boot(&spec);
    assert_eq!(guest.way(), way);
    assert_eq!(guest.hello().channel, channel);
    assert!(guest.hello().cmdline.ends_with("scrubjay.mark=17"), "{}", guest.hello().cmdline);
    assert!(guest.times().output < guest.times().ready);
    guest.send(&ToGuest::Settle(Settle { devices: vec![], deadline_ms: 1_000 })).unwrap();
    assert!(matches!(guest.receive(deadlines().silence).unwrap(), ToHost::Settled { .. }));
    let (farewell, console) = guest.power_off();
    assert_eq!(farewell, Farewell::PoweredOff);
    assert!(console.0.contains("Linux version") && console.0.contains("Power down"), "{console}");
}

#[rstest]
#[case::one(1)]
#[case::four(4)]
fn a_guest_has_the_cpus_asked_for(#[case] vcpus: u8) {
    let mut spec = spec();
    spec.vcpus = vcpus;
    let console = boot(&spec).console();
    let plural = if vcpus == 1 { "" } else { "s" };
    assert!(console.0.contains(&format!("Brought up 1 node, {vcpus} CPU{plural}")), "{}", console.0);
}

#[rstest]
#[case::endpoint(Port::Cxl, Probe::Endpoint)]
#[case::plain(Port::Pcie, Probe::Memdev)]
fn a_device_is_where_its_address_says(#[case] port: Port, #[case] until: Probe) {
    let mut spec = spec();
    // The first slot stays empty, so that an address is right by more than chance.
    spec.devices = vec![Device { port, kind: Kind::Nothing }, stock(port)];
    let mut guest = boot(&spec);
    assert_eq!(settle(&mut guest, &spec.port_address(1).unwrap(), until), [true], "{}", guest.console().0);
}

/// Has the agent wait, in a program of one step, until device 0 has come as far as `until`.
fn comes_as_far_as(guest: &mut Guest, until: Probe) -> bool {
    let op = Op::Settle(Settling { device: 0, until });
    let steps = vec![GuestStep { ticket: 1, deadline_ms: 20_000, op }];
    guest.send(&ToGuest::Run(Program { session: "slot".into(), steps })).unwrap();
    let mut reached = None;
    loop {
        match guest.receive(Duration::from_secs(40)).unwrap() {
            ToHost::Begin { ticket } => guest.send(&ToGuest::Go { ticket }).unwrap(),
            ToHost::Done { answer, .. } => reached = Some(answer.ret == 1),
            ToHost::End { .. } => return reached.expect("the step was performed"),
            other => panic!("{other:?}"),
        }
    }
}

/// A device of our own, served for as long as the first of the pair lives.
fn served(dir: &RunDir) -> (Served, Kind) {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/devices");
    let profiles = Profiles::load_dir(&vectors).unwrap();
    let socket = dir.socket("d0").unwrap();
    let device = Served::serve(profiles.get("vendor").unwrap(), &socket).unwrap();
    (device, Kind::VfioUser { socket })
}

#[rstest]
#[case::served_over_vfio_user(true)]
#[case::stock(false)]
fn a_device_goes_and_comes_again_by_its_slot(#[case] ours: bool) {
    let dir = RunDir::new().unwrap();
    let served = ours.then(|| served(&dir));
    let kind = served.as_ref().map_or(stock(Port::Cxl).kind, |(_, kind)| kind.clone());
    let mut spec = spec();
    // A kernel without CONFIG_PCIEASPM leaves hotplug to the platform, which has none for this bridge.
    spec.append = "pcie_ports=native".into();
    spec.devices = vec![Device { port: Port::Cxl, kind }];
    let port = spec.port_address(0).unwrap();
    let mut guest = boot(&spec);
    assert_eq!(settle(&mut guest, &port, Probe::Memdev), [true]);
    for _ in 0..2 {
        assert!(guest.unplug(0, Duration::from_secs(40)).unwrap(), "{}", guest.console());
        assert!(comes_as_far_as(&mut guest, Probe::Gone), "{}", guest.console());
        guest.plug(0).unwrap();
        assert!(comes_as_far_as(&mut guest, Probe::Memdev), "{}", guest.console());
    }
}

#[test]
fn modules_reach_the_agent_and_what_the_kernel_refuses_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let module = dir.path().join("nonsense.ko");
    fs::write(&module, "no module at all").unwrap();
    let mut spec = spec();
    spec.modules = vec![module];
    let refused = boot(&spec).hello().modules_refused.join("\n");
    assert!(refused.contains("00-nonsense.ko"), "{refused}");
}

#[test]
fn the_consoles_file_has_what_the_console_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = spec();
    spec.console_file = Some(dir.path().join("console.log"));
    let (_, console) = boot(&spec).power_off();
    let file = fs::read_to_string(dir.path().join("console.log")).unwrap();
    assert_eq!(file.replace('\r', ""), console.0);
}
