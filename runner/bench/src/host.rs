//! How busy the host was with other things, and how much memory this process took. Reads `/proc`.

use std::fs;
use std::thread::available_parallelism;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::{SysconfVar, sysconf};

use crate::figures::{Host, Memory};

/// Other work that takes a larger share of the processors than this makes absolute times worthless.
const MUCH: f64 = 0.1;

/// What the processors had done when the measuring began.
pub struct Watch {
    load: f64,
    busy: f64,
    own: f64,
    whole: f64,
}

impl Watch {
    /// Begins.
    pub fn start() -> Self {
        let (busy, whole) = processors();
        Watch { load: load_average(), busy, own: own(), whole }
    }

    /// What came of it: processor time that neither this process nor any of its guests took. Guests that
    /// still run count as others.
    pub fn stop(&self) -> Host {
        let (busy, whole) = processors();
        let (busy, whole) = (busy - self.busy, whole - self.whole);
        let others = if whole > 0.0 { ((busy - (own() - self.own)) / whole).clamp(0.0, 1.0) } else { 0.0 };
        Host {
            processors: available_parallelism().map_or(1, usize::from),
            load_average: self.load,
            others,
            is_quiet: others <= MUCH,
        }
    }
}

/// The most memory that this process had at any time (`VmHWM`, proc_pid_status(5)): its own pages and those
/// of the files that it maps, not what QEMU has.
pub fn memory() -> Memory {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    Memory { peak_kib: kib.unwrap_or(0) }
}

/// Seconds of processor time that this process took, its guests and builds not counted.
pub fn process() -> f64 {
    taken_by(UsageWho::RUSAGE_SELF)
}

/// Seconds of processor time (getrusage(2)).
fn taken_by(who: UsageWho) -> f64 {
    let micros =
        getrusage(who).map_or(0, |usage| (usage.user_time() + usage.system_time()).num_microseconds());
    micros as f64 / 1e6
}

/// The load average of the last minute.
fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

/// Seconds that all processors together were busy, and seconds that went by on all of them (proc_stat(5)).
fn processors() -> (f64, f64) {
    let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100) as f64;
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; guest time is within user time.
    let fields: Vec<f64> = line.split_whitespace().skip(1).take(8).filter_map(|f| f.parse().ok()).collect();
    let whole: f64 = fields.iter().sum();
    let idle: f64 = fields.iter().skip(3).take(2).sum();
    ((whole - idle) / ticks, whole / ticks)
}

/// Seconds of processor time that this process and its children that have ended took.
fn own() -> f64 {
    taken_by(UsageWho::RUSAGE_SELF) + taken_by(UsageWho::RUSAGE_CHILDREN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_some_memory() {
        assert!(memory().peak_kib > 100);
    }

    #[test]
    fn what_this_process_does_itself_is_not_others_work() {
        let watch = Watch::start();
        let before = own();
        while own() - before < 0.05 {}
        let host = watch.stop();
        assert!(host.processors > 0 && (0.0..=1.0).contains(&host.others));
    }
}
