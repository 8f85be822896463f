//! Guests that start from one that was kept.

use std::time::{Duration, Instant};

use scrubjay_machine::{Accel, Device, Guest, Kind, Port, Snapshot, Spec};
use scrubjay_wire::{Attached, Probe, Settle, ToGuest, ToHost};

use crate::support::{ACCEL, QEMU, deadlines, spec};

fn stock(serial: u64) -> Device {
    Device { port: Port::Cxl, kind: Kind::StockType3 { size_mib: 256, serial } }
}

/// Starts one with these devices; the memdevs that came up.
fn wake(snapshot: &Snapshot, devices: Vec<Device>) -> Vec<bool> {
    let spec = Spec { devices, ..spec() };
    let start = Instant::now();
    let mut guest = Guest::wake(&QEMU, &spec, snapshot, &deadlines()).unwrap_or_else(|e| panic!("{e:?}"));
    let woke = start.elapsed();
    let attached = |index| Attached {
        name: index.to_string(),
        port: spec.port_address(index).unwrap(),
        until: Probe::Endpoint,
    };
    let devices = (0..spec.devices.len()).map(attached).collect();
    guest.send(&ToGuest::Settle(Settle { devices, deadline_ms: 20_000 })).unwrap();
    let settled = guest.receive(Duration::from_secs(30)).unwrap();
    eprintln!("woke {woke:?} settled {:?}", start.elapsed());
    let ToHost::Settled { reached, .. } = settled else { panic!("{settled:?}\n{}", guest.console()) };
    if reached.contains(&false) { eprintln!("{}", guest.console().0); }
    guest.power_off();
    reached
}

#[test]
fn guests_that_start_from_one_have_devices_of_their_own() {
    if *ACCEL != Accel::Tcg {
        return;
    }
    let start = Instant::now();
    let snapshot = Snapshot::take(&QEMU, &spec(), &deadlines()).unwrap_or_else(|e| panic!("{e:?}"));
    eprintln!("taken {:?}", start.elapsed());
    for devices in [vec![], vec![stock(1)], vec![stock(1), stock(2), stock(3)]] {
        let many = devices.len();
        assert_eq!(wake(&snapshot, devices), vec![true; many]);
    }
}
