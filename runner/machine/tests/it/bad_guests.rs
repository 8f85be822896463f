//! Kernels and guests that do not come up: each by its own name, none as a guest.

use std::fs;
use std::path::PathBuf;

use rstest::rstest;
use scrubjay_machine::{
    BootError, BootImageError, Deadlines, Death, Device, Guest, GuestError, Kind, Port, Spec, SpecError,
    StartError, bare,
};

use crate::programs::{quitter, sleeper};
use crate::support::{KERNEL, QEMU, deadlines, spec};

fn fails(spec: &Spec, deadlines: &Deadlines) -> BootError {
    Guest::boot(&QEMU, spec, deadlines).expect_err("this guest must not come up")
}

/// Deadlines that a good boot meets ten times over, for boots that will never come to an end.
fn impatient() -> Deadlines {
    let usual = deadlines();
    Deadlines { output: usual.output / 3, boot: usual.boot / 5, ..usual }
}

/// The kernel with something done to it.
fn spoilt(spoil: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, Spec) {
    let mut image = fs::read(&*KERNEL).unwrap();
    spoil(&mut image);
    let dir = tempfile::tempdir().unwrap();
    let kernel = dir.path().join("bzImage");
    fs::write(&kernel, image).unwrap();
    (dir, Spec { kernel, ..spec() })
}

#[test]
fn a_file_that_is_no_kernel_is_refused() {
    let (_dir, spec) = spoilt(|image| *image = b"#!/bin/sh\n".to_vec());
    let error = fails(&spec, &deadlines());
    assert!(
        matches!(error, BootError::Start(StartError::Image(BootImageError::NotAKernel { .. }))),
        "{error}"
    );
    assert!(error.to_string().contains("bzImage"), "{error}");
}

#[test]
fn a_kernel_cut_short_is_refused() {
    let (_dir, spec) = spoilt(|image| image.truncate(image.len() / 2));
    let error = fails(&spec, &deadlines());
    assert!(
        matches!(error, BootError::Start(StartError::Image(BootImageError::NotAKernel { .. }))),
        "{error}"
    );
    assert!(error.to_string().contains("cut short"), "{error}");
}

#[test]
fn a_kernel_that_is_not_there_is_named() {
    let error = fails(&Spec { kernel: PathBuf::from("no/such/bzImage"), ..spec() }, &deadlines());
    assert!(error.to_string().contains("no/such/bzImage"), "{error}");
}

#[test]
fn a_kernel_that_does_not_boot_is_told_by_its_silence() {
    let (_dir, spec) = spoilt(|image| {
        let middle = image.len() / 2;
        image[middle..middle + 65_536].fill(0x5a);
    });
    let error = fails(&spec, &impatient());
    assert!(matches!(error, BootError::NoOutput { .. }), "{error}");
    assert!(error.to_string().contains("does not boot, or it has no serial console"), "{error}");
}

#[rstest]
#[case::no_init("rdinit=/nowhere", None, "VFS: Unable to mount root fs")]
#[case::init_is_no_program("", Some(b"no program".to_vec()), "No working init found")]
#[case::init_ends("", Some(quitter()), "Attempted to kill init")]
fn a_panic_on_the_way_up_is_told_with_its_line_and_the_consoles_end(
    #[case] append: &str,
    #[case] init: Option<Vec<u8>>,
    #[case] line: &str,
) {
    let mut spec = Spec { append: append.into(), ..spec() };
    if let Some(init) = init {
        spec.init = init.into();
    }
    match fails(&spec, &deadlines()) {
        BootError::Guest { kernel, source } => match *source {
            GuestError::Died { death: Death::Panicked(panic), console } => {
                assert!(panic.contains(line), "{panic}");
                assert!(console.0.contains("Linux version") && console.0.contains(&panic), "{}", console.0);
                assert_eq!(kernel, *KERNEL);
            }
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

#[test]
fn a_kernel_without_a_serial_console_is_told_although_its_agent_speaks() {
    let spec = Spec { parameters: "console=hvc9 panic=-1 rdinit=/init".into(), ..spec() };
    let error = fails(&spec, &deadlines());
    assert!(matches!(error, BootError::NoSerialConsole { .. }), "{error}");
}

#[test]
fn a_guest_whose_init_is_not_the_agent_is_told() {
    let spec = Spec { init: sleeper().into(), ..spec() };
    let error = fails(&spec, &impatient());
    assert!(matches!(error, BootError::NoAgent { .. }), "{error}");
    assert!(error.to_string().contains("Run /init as init process"), "{error}");
}

#[test]
fn a_guest_that_does_nothing_but_power_off_is_told_as_that() {
    match fails(&Spec { init: bare::power_off().into(), ..spec() }, &deadlines()) {
        BootError::Guest { source, .. } => {
            assert!(matches!(*source, GuestError::Died { death: Death::PoweredOff, .. }), "{source}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_kernel_that_never_gets_to_init_is_told_with_how_far_it_came() {
    let spec = Spec { append: "rdinit=/nowhere root=/dev/nowhere rootwait".into(), ..spec() };
    match fails(&spec, &impatient()) {
        BootError::TooSlow { console, .. } => {
            assert!(console.0.contains("Waiting for root device"), "{}", console.0);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_socket_with_too_long_a_path_is_refused_by_name_and_limit() {
    let socket = PathBuf::from(format!("/tmp/{}/device0", "x".repeat(100)));
    let devices = vec![Device { port: Port::Cxl, kind: Kind::VfioUser { socket: socket.clone() } }];
    match fails(&Spec { devices, ..spec() }, &deadlines()) {
        BootError::Start(StartError::Spec(error @ SpecError::SocketPathTooLong { len: 113, .. })) => {
            assert!(error.to_string().contains(socket.to_str().unwrap()), "{error}");
            assert!(error.to_string().contains("107"), "{error}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_device_that_nobody_serves_is_told_in_qemus_words() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("nobody");
    let devices = vec![Device { port: Port::Cxl, kind: Kind::VfioUser { socket } }];
    match fails(&Spec { devices, ..spec() }, &deadlines()) {
        BootError::Guest { source, .. } => match *source {
            GuestError::QemuExited { status: Some(status), stderr, .. } => {
                assert_eq!(status.code(), Some(1));
                assert!(stderr.contains("nobody"), "{stderr}");
            }
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

#[test]
fn a_consoles_file_that_cannot_be_made_is_named() {
    let error = fails(&Spec { console_file: Some("no/such/console.log".into()), ..spec() }, &deadlines());
    assert!(matches!(error, BootError::Start(StartError::ConsoleFile { .. })), "{error}");
    assert!(error.to_string().contains("no/such/console.log"), "{error}");
}
