//! Guests that came up and are lost: each loss by its own name.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scrubjay_machine::{Deadlines, Death, Guest, GuestError, Spec};
use scrubjay_wire::{Settle, ToGuest, ToHost};

use crate::guests::boot;
use crate::support::{QEMU, deadlines, spec};

fn answers(guest: &mut Guest) -> bool {
    guest.send(&ToGuest::Settle(Settle { devices: vec![], deadline_ms: 1_000 })).unwrap();
    matches!(guest.receive(deadlines().silence), Ok(ToHost::Settled { .. }))
}

#[test]
fn a_qemu_killed_in_the_middle_is_told_and_told_again() {
    let mut guest = boot(&spec());
    kill(Pid::from_raw(guest.qemu_pid() as i32), Signal::SIGKILL).unwrap();
    let start = Instant::now();
    for _ in 0..2 {
        match guest.receive(Duration::from_secs(60)).unwrap_err() {
            GuestError::QemuExited { status: Some(status), console, .. } => {
                assert!(status.to_string().contains("signal: 9"), "{status}");
                assert!(console.0.contains("Linux version"));
            }
            other => panic!("{other}"),
        }
    }
    let error = guest.send(&ToGuest::PowerOff).unwrap_err();
    assert!(matches!(error, GuestError::QemuExited { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(30), "it was waited for");
}

#[test]
fn a_panic_in_the_middle_is_told_with_its_line() {
    let mut guest = boot(&Spec { append: "unknown_nmi_panic".into(), ..spec() });
    guest.nmi().unwrap();
    match guest.receive(deadlines().silence).unwrap_err() {
        GuestError::Died { death: Death::Panicked(line), console } => {
            assert!(line.contains("NMI"), "{line}");
            assert!(console.0.contains(&line), "{}", console.0);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_panic_that_does_not_end_qemu_is_told_all_the_same() {
    let mut guest = boot(&Spec { append: "unknown_nmi_panic panic=0".into(), ..spec() });
    guest.nmi().unwrap();
    let error = guest.receive(deadlines().silence).unwrap_err();
    assert!(matches!(error, GuestError::Died { death: Death::Panicked(_), .. }), "{error}");
}

#[test]
fn a_guest_that_powers_off_unasked_has_died() {
    let mut guest = boot(&spec());
    guest.send(&ToGuest::PowerOff).unwrap();
    let error = guest.receive(deadlines().silence).unwrap_err();
    assert!(matches!(error, GuestError::Died { death: Death::PoweredOff, .. }), "{error}");
}

#[test]
fn a_silent_guest_can_be_listened_to_again() {
    let mut guest = boot(&spec());
    let error = guest.receive(Duration::from_millis(200)).unwrap_err();
    assert!(matches!(error, GuestError::Silent { .. }), "{error}");
    assert_eq!(guest.qemu_state().unwrap(), "running");
    assert!(guest.registers().unwrap().contains("CPU#1"));
    assert!(answers(&mut guest));
}

#[test]
fn a_guests_whole_time_is_limited() {
    let mut guest = boot(&spec());
    let deadlines = Deadlines { run: guest.times().ready, ..deadlines() };
    assert!(answers(&mut guest));
    drop(guest);
    let mut guest =
        Guest::boot(&QEMU, &spec(), &Deadlines { run: deadlines.run.mul_f64(1.5), ..deadlines }).unwrap();
    let start = Instant::now();
    let error = guest.receive(Duration::from_secs(600)).unwrap_err();
    assert!(matches!(error, GuestError::Overdue { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_guest_outlives_the_thread_that_booted_it() {
    let mut guest = thread::spawn(|| boot(&spec())).join().unwrap();
    thread::sleep(Duration::from_millis(100));
    assert!(answers(&mut guest));
}
