//! What keeps a guest's clocks right where its host is busy. Measures the host's counter; builds the
//! part of the kernel's parameters that speaks of clocks.
//!
//! Under TCG a guest's devices and its time stamp counter go on while its CPUs wait for the host's. What
//! a kernel measures at boot by one against the other, it then measures wrong, and without a word from
//! the host it makes up its mind for good:
//!
//! - It counts ten ticks that came by the I/O APIC, and panics where half of them were lost
//!   (arch/x86/kernel/apic/io_apic.c, `timer_irq_works`): `no_timer_check`.
//! - It takes its counter for several times slower than it is, and its time goes by several times too
//!   fast (arch/x86/kernel/tsc.c, `pit_calibrate_tsc`): `tsc_early_khz`, measured here.
//! - It finds the local APIC's timer wanting (arch/x86/kernel/apic/apic.c, `calibrate_APIC_clock`) and
//!   ticks without one: only periodically, and each tick that is lost is time that its jiffies, and so
//!   its timeouts, never make good. TCG has no timer there that needs no measuring, so the guest ticks by
//!   the HPET, whose rate is written in it: a channel a CPU, which Linux takes where HPETs have MSI and
//!   the CPU does not say that its APIC's timer always runs (arch/x86/kernel/hpet.c,
//!   `hpet_select_clockevents`), and the local APIC's is not measured at all, which takes a tenth of a second:
//!   `nolapic_timer`.
//! - It counts how often a second CPU can turn in a tick (init/calibrate.c, `calibrate_delay_direct`), gets it
//!   wrong by several times, and delays are as wrong on that CPU for ever. This takes a quarter of a second. The
//!   first CPU derives it from the counter's rate, and `lpj` tells them all, where it is known how often the
//!   kernel ticks.

use std::sync::LazyLock;
use std::time::Duration;
#[cfg(target_arch = "x86_64")]
use std::{thread, time::Instant};

use crate::accelerator::Accel;

/// The HPET's channels: two that Linux keeps for the tick of its youth and the clock of the PC, and one a
/// CPU of the largest guest.
pub(crate) const HPET_TIMERS: u8 = 6;

/// How long the host's counter is watched: an error of a microsecond at either end is one of 200 ppm, and
/// Linux takes a hundredth for well known.
const WATCHED: Duration = Duration::from_millis(10);

/// What can be a counter's rate, in kHz.
const PLAUSIBLE: std::ops::RangeInclusive<u32> = 100_000..=10_000_000;

/// The kernel parameters: all of them for TCG, and for KVM, whose guests have the host's word for their
/// clocks, the one that such guests set by themselves where they are built to know KVM.
pub(crate) fn parameters(accel: Accel, tsc_khz: Option<u32>, hz: Option<u32>) -> String {
    let mut text = "no_timer_check".to_owned();
    if accel == Accel::Tcg {
        text.push_str(" nolapic_timer");
        if let Some(khz) = tsc_khz {
            text.push_str(&format!(" tsc_early_khz={khz}"));
        }
        if let Some((khz, hz)) = tsc_khz.zip(hz).filter(|(_, hz)| *hz > 0) {
            text.push_str(&format!(" lpj={}", u64::from(khz) * 1000 / u64::from(hz)));
        }
    }
    text
}

/// How fast the host's time stamp counter goes, in kHz: a guest's under TCG is that one. Measured once;
/// nothing where the host has none.
pub(crate) fn tsc_khz() -> Option<u32> {
    static MEASURED: LazyLock<Option<u32>> = LazyLock::new(|| measure(WATCHED));
    *MEASURED
}

#[cfg(target_arch = "x86_64")]
fn measure(watched: Duration) -> Option<u32> {
    let start = Reading::take();
    thread::sleep(watched);
    rate(&start, &Reading::take())
}

/// In kHz; nothing where no counter goes like that.
#[cfg(target_arch = "x86_64")]
fn rate(start: &Reading, end: &Reading) -> Option<u32> {
    let ticks = end.ticks.checked_sub(start.ticks)? as f64;
    let khz = (ticks / (end.time - start.time).as_secs_f64() / 1e3).round() as u32;
    PLAUSIBLE.contains(&khz).then_some(khz)
}

#[cfg(not(target_arch = "x86_64"))]
fn measure(_watched: Duration) -> Option<u32> {
    None
}

/// The counter and the time, read at once.
#[cfg(target_arch = "x86_64")]
struct Reading {
    ticks: u64,
    time: Instant,
}

#[cfg(target_arch = "x86_64")]
impl Reading {
    /// The closest of a few: this process may be put aside between the two.
    fn take() -> Self {
        Self::closest((0..16).map(|_| (ticks(), Instant::now(), ticks()))).expect("there are sixteen")
    }

    /// Of times with the counter before and after, the one that took the fewest ticks.
    fn closest(readings: impl Iterator<Item = (u64, Instant, u64)>) -> Option<Self> {
        let with_width = readings.map(|(before, time, after)| {
            let width = after.saturating_sub(before);
            (width, Reading { ticks: before + width / 2, time })
        });
        Some(with_width.min_by_key(|(width, _)| *width)?.1)
    }
}

#[cfg(target_arch = "x86_64")]
fn ticks() -> u64 {
    // SAFETY: the instruction reads a register and touches nothing; Linux lets every process have it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const KHZ: Option<u32> = Some(2_500_000);

    #[rstest]
    #[case::tcg(
        Accel::Tcg,
        KHZ,
        Some(250),
        "no_timer_check nolapic_timer tsc_early_khz=2500000 lpj=10000000"
    )]
    #[case::tick_not_known(Accel::Tcg, KHZ, None, "no_timer_check nolapic_timer tsc_early_khz=2500000")]
    #[case::tcg_on_another_host(Accel::Tcg, None, Some(250), "no_timer_check nolapic_timer")]
    #[case::kvm(Accel::Kvm, KHZ, Some(250), "no_timer_check")]
    fn a_guest_is_told_of_a_counter_that_is_its_own(
        #[case] accel: Accel,
        #[case] khz: Option<u32>,
        #[case] hz: Option<u32>,
        #[case] said: &str,
    ) {
        assert_eq!(parameters(accel, khz, hz), said);
    }

    #[cfg(target_arch = "x86_64")]
    #[rstest]
    #[case::of_this_age(100, 25_000_100, Some(2_500_000))]
    #[case::that_goes_back(25_000_100, 100, None)]
    #[case::that_stands(100, 100, None)]
    #[case::faster_than_any(100, 250_000_000, None)]
    fn a_rate_is_of_a_counter_that_can_be(#[case] start: u64, #[case] end: u64, #[case] khz: Option<u32>) {
        let time = Instant::now();
        let (start, end) =
            (Reading { ticks: start, time }, Reading { ticks: end, time: time + Duration::from_millis(10) });
        assert_eq!(rate(&start, &end), khz);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn of_some_readings_the_closest_counts() {
        let time = Instant::now();
        let late = time + Duration::from_millis(5);
        let closest =
            Reading::closest([(0, late, 9_000_000), (500, time, 520), (600, late, 700)].into_iter());
        assert_eq!(closest.map(|reading| (reading.ticks, reading.time)), Some((510, time)));
    }
}
