//! How long things may take. Holds numbers; watches nothing.

use std::thread::available_parallelism;
use std::time::Duration;

use crate::accelerator::Accel;

/// How long things may take in one guest.
///
/// Each is an upper bound far above what was seen, so that a loaded host does not make a verdict: under
/// TCG a reference kernel is up after 1.5 s, and a distribution's kernel on a host with five times more
/// work than cores after 20 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From QEMU's start to the kernel's first word on the console.
    pub output: Duration,
    /// From QEMU's start to the agent's [`scrubjay_wire::ToHost::Ready`].
    pub boot: Duration,
    /// One step, unless the session says otherwise.
    pub step: Duration,
    /// With no frame although one is due.
    pub silence: Duration,
    /// From a panic to QEMU's end.
    pub panic: Duration,
    /// From the order to power off to QEMU's end.
    pub power_off: Duration,
    /// From QEMU's start to its end.
    pub run: Duration,
}

/// What an otherwise idle host with KVM needs at the very most.
const BASE: Deadlines = Deadlines {
    output: Duration::from_secs(8),
    boot: Duration::from_secs(25),
    step: Duration::from_secs(5),
    silence: Duration::from_secs(10),
    panic: Duration::from_secs(2),
    power_off: Duration::from_secs(5),
    run: Duration::from_secs(300),
};

/// How much slower TCG may be.
const TCG: f64 = 4.0;

impl Deadlines {
    /// For a guest of `vcpus` on this host.
    pub fn new(accel: Accel, vcpus: u8) -> Self {
        Self::for_host(accel, vcpus, available_parallelism().map_or(1, usize::from))
    }

    /// For a guest of `vcpus` on a host with `cores`: longer under TCG, and where vCPUs share a core.
    pub fn for_host(accel: Accel, vcpus: u8, cores: usize) -> Self {
        let slower = if accel == Accel::Tcg { TCG } else { 1.0 };
        BASE.scaled(slower * (f64::from(vcpus) / cores as f64).max(1.0))
    }

    /// How many times longer things may take than on an idle host with KVM: by what the deadlines of a
    /// session's steps are multiplied.
    pub fn patience(&self) -> f64 {
        self.step.div_duration_f64(BASE.step)
    }

    /// All of them, so many times as long.
    pub fn scaled(self, factor: f64) -> Self {
        Deadlines {
            output: self.output.mul_f64(factor),
            boot: self.boot.mul_f64(factor),
            step: self.step.mul_f64(factor),
            silence: self.silence.mul_f64(factor),
            panic: self.panic.mul_f64(factor),
            power_off: self.power_off.mul_f64(factor),
            run: self.run.mul_f64(factor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::kvm(Accel::Kvm, 2, 8, 1.0)]
    #[case::kvm_on_one_core(Accel::Kvm, 2, 1, 2.0)]
    #[case::tcg(Accel::Tcg, 2, 2, 4.0)]
    #[case::tcg_crowded(Accel::Tcg, 4, 2, 8.0)]
    fn deadlines_grow_with_the_slowness_of_the_guest(
        #[case] accel: Accel,
        #[case] vcpus: u8,
        #[case] cores: usize,
        #[case] factor: f64,
    ) {
        let deadlines = Deadlines::for_host(accel, vcpus, cores);
        assert_eq!(deadlines, BASE.scaled(factor));
        assert_eq!(deadlines.patience(), factor);
    }
}
