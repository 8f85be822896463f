//! KVM that works, KVM that does not, and what the user says about it.
//!
//! A KVM that fails in a known way cannot be had at will, so QEMU's side of it is played by programs
//! under tests/fixtures; the trial on this host is real, whatever its KVM is like.

use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;
use scrubjay_machine::{Accel, Qemu, accel};

use crate::support::{KERNEL, QEMU};

#[rstest]
#[case::stopped("stopping", "QEMU stopped it, internal-error")]
#[case::died("asserting", "Assertion failed")]
fn a_kvm_that_runs_no_guest_gives_way_to_tcg_and_the_line_says_why(#[case] name: &str, #[case] why: &str) {
    let program =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).join("qemu-system-x86_64");
    let choice = accel::try_out(&Qemu::look_at(&program).unwrap(), &KERNEL);
    assert_eq!(choice.accel, Accel::Tcg);
    let line = choice.to_string();
    assert!(
        line.starts_with("accelerator: TCG (KVM opens but runs no guest") && line.contains(why),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn a_trial_on_this_host_gives_one_line_with_a_reason() {
    let choice = accel::try_out(&QEMU, &KERNEL);
    let line = choice.to_string();
    let expected = if choice.accel == Accel::Kvm { "KVM (a guest was up in" } else { "TCG (KVM opens but" };
    assert!(line.contains(expected), "{line}");
    assert_eq!(line.lines().count(), 1);
}

fn boot_with(accelerator: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scrubjay-boot"))
        .arg(&*KERNEL)
        .env("SCRUBJAY_QEMU", QEMU.path())
        .env("SCRUBJAY_ACCEL", accelerator)
        .output()
        .unwrap()
}

#[test]
fn what_the_user_says_is_not_tried_out() {
    let output = boot_with("tcg");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("accelerator: TCG (SCRUBJAY_ACCEL)"), "{output:?}");
}

#[test]
fn an_accelerator_that_is_none_is_refused() {
    let output = boot_with("warp");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("SCRUBJAY_ACCEL=warp"), "{output:?}");
}
