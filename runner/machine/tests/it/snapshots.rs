//! Guests that start from one that was kept: with devices of their own, and what stands in the way of it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use rstest::rstest;
use scrubjay_device::Device as Served;
use scrubjay_machine::{Accel, Device, Guest, Kind, Port, RunDir, Snapshot, SnapshotError, Spec};
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_wire::op::Probe;
use scrubjay_wire::{Attached, Settle, ToGuest, ToHost};

use crate::support::{ACCEL, QEMU, deadlines, spec};

fn keep() -> Snapshot {
    Snapshot::take(&QEMU, &spec(), &deadlines()).unwrap_or_else(|error| panic!("{error:?}"))
}

fn stock(serial: u64) -> Device {
    Device { port: Port::Cxl, kind: Kind::StockType3 { size_mib: 256, serial } }
}

/// Starts a guest with these devices and waits until each has come up.
fn start(snapshot: &Snapshot, devices: Vec<Device>, until: Probe) -> (Guest, Vec<bool>) {
    let spec = Spec { devices, ..spec() };
    let mut guest = Guest::start(&QEMU, &spec, snapshot, &deadlines()).unwrap_or_else(|e| panic!("{e:?}"));
    let port = |index: usize| spec.port_address(index).unwrap();
    let attached = |index: usize| Attached { name: index.to_string(), port: port(index), until };
    let devices = (0..spec.devices.len()).map(attached).collect();
    guest.send(&ToGuest::Settle(Settle { devices, deadline_ms: 20_000 })).unwrap();
    match guest.receive(Duration::from_secs(40)).unwrap() {
        ToHost::Settled { reached, .. } => (guest, reached),
        other => panic!("{other:?}\n{}", guest.console()),
    }
}

#[test]
fn guests_that_start_from_one_have_devices_of_their_own() {
    if *ACCEL != Accel::Tcg {
        return;
    }
    let kept = keep();
    let (first, none) = start(&kept, vec![], Probe::Endpoint);
    // Beside the first, and as the first found it.
    let (_second, three) = start(&kept, vec![stock(1), stock(2), stock(3)], Probe::Endpoint);
    drop(first);
    let (_third, one) = start(&kept, vec![stock(4)], Probe::Endpoint);
    assert_eq!((none, three, one), (vec![], vec![true; 3], vec![true]));
}

#[rstest]
#[case::below_a_cxl_port(Port::Cxl)]
#[case::below_a_plain_port(Port::Pcie)]
fn a_device_of_ours_has_its_node(#[case] port: Port) {
    if *ACCEL != Accel::Tcg {
        return;
    }
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/devices");
    let profiles = Profiles::load_dir(&vectors).unwrap();
    let dir = RunDir::new().unwrap();
    let socket = dir.socket("device").unwrap();
    let _served = Served::serve(profiles.get("vendor").unwrap(), &socket).unwrap();
    let device = Device { port, kind: Kind::VfioUser { socket } };
    let (_guest, reached) = start(&keep(), vec![device], Probe::Node);
    assert_eq!(reached, [true]);
}

/// The file of this process's that was made under this name.
fn file_named(name: &str) -> File {
    let named = format!("/memfd:{name} (deleted)");
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten().map(|entry| entry.path());
    let mut same =
        descriptors.filter(|path| fs::read_link(path).is_ok_and(|to| to.to_string_lossy() == named));
    File::options().write(true).open(same.next().unwrap()).unwrap()
}

#[rstest]
#[case::state_that_is_cut(300)]
#[case::no_state(0)]
fn what_was_kept_and_is_cut_is_refused(#[case] bytes: u64) {
    if *ACCEL != Accel::Tcg {
        return;
    }
    let kept = keep();
    file_named("state").set_len(bytes).unwrap();
    let error = Guest::start(&QEMU, &spec(), &kept, &deadlines()).unwrap_err();
    assert!(matches!(error, SnapshotError::Qmp(_)), "{error}");
}

#[test]
fn a_guest_with_other_cpus_does_not_start_from_it() {
    if *ACCEL != Accel::Tcg {
        return;
    }
    let other = Spec { vcpus: 1, ..spec() };
    let error = Guest::start(&QEMU, &other, &keep(), &deadlines()).unwrap_err();
    assert!(matches!(error, SnapshotError::Another), "{error}");
}

#[test]
fn a_kernel_that_does_not_boot_cannot_be_kept() {
    if *ACCEL != Accel::Tcg {
        return;
    }
    let lost = Spec { append: "rdinit=/nowhere".into(), ..spec() };
    let error = Snapshot::take(&QEMU, &lost, &deadlines()).unwrap_err();
    assert!(matches!(error, SnapshotError::Boot(_)), "{error}");
}
