//! Whether the host gave a guest its time: was this process stopped, was QEMU, did a CPU come when one was wanted.
//!
//! A guest's clock runs on while nobody executes it or serves its devices, so whatever the kernel then does says
//! nothing of the kernel. Watches and tells; decides nothing, and never looks into the guest.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, available_parallelism};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// How often it is looked.
const TICK: Duration = Duration::from_millis(50);

/// A look that comes so much later than it should was kept from coming: the threads that serve the devices were too.
/// A kernel waits 2 s for a mailbox (drivers/cxl/pci.c, CXL_MAILBOX_TIMEOUT_MS), sessions pause for 150 ms and more.
const LATE: Duration = Duration::from_millis(250);

/// Over how long it is counted what a thread of QEMU wanted of a CPU and what it got.
const WINDOW: Duration = Duration::from_millis(500);

/// A thread that wants a CPU for less of a window than this is mostly idle, and one long wait no shortage.
const WANTED: Duration = Duration::from_millis(300);

/// The part of its fair share below which a thread of QEMU is starved.
const STARVED: f64 = 0.25;

/// What kept a guest from running, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stall {
    /// What.
    pub kind: StallKind,
    /// For how long, at least.
    pub length: Duration,
}

/// What can keep a guest from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StallKind {
    /// This process was stopped, or starved, or the host suspended: nobody served the guest's devices.
    Here,
    /// QEMU was stopped (SIGSTOP, a debugger).
    Qemu,
    /// A thread of QEMU could have run for so long, and hardly got a CPU.
    Starved,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.length.as_secs_f64();
        match self.kind {
            StallKind::Here => write!(f, "scrubjay stood still for {seconds:.1} s"),
            StallKind::Qemu => write!(f, "QEMU was stopped for {seconds:.1} s"),
            StallKind::Starved => write!(f, "QEMU waited {seconds:.1} s for a CPU and hardly got one"),
        }
    }
}

/// Watches one guest from before its QEMU starts until it is dropped.
#[derive(Clone)]
pub struct HostTime(Arc<Mutex<Watch>>);

impl fmt::Debug for HostTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostTime").field(&self.stall()).finish()
    }
}

impl HostTime {
    /// Watches from now on. `busy` is how many virtual CPUs run at the same time at most, all guests together: what
    /// they take from each other is no fault of the host.
    pub fn watch(busy: usize) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let share = STARVED * (cores as f64 / busy.max(1) as f64).min(1.0);
        let watch = Arc::new(Mutex::new(Watch::new(share, now())));
        let thread = thread::Builder::new().name("host time".into());
        let weak = Arc::downgrade(&watch);
        // Without the thread a stall is still seen when it is asked for, only not a short one before.
        if let Err(error) = thread.spawn(move || keep_looking(&weak)) {
            tracing::warn!(%error, "nobody watches whether the host stands still");
        }
        HostTime(watch)
    }

    /// From now on this QEMU too.
    pub(crate) fn follow(&self, qemu: Pid) {
        let watch = &mut *lock(&self.0);
        watch.qemu = Some(qemu);
        watch.look();
    }

    /// The longest stall since the watch began.
    pub fn stall(&self) -> Option<Stall> {
        let watch = &mut *lock(&self.0);
        // A process that goes on after it was stopped may come here before its watching thread.
        watch.look();
        watch.worst
    }
}

fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep_looking(watch: &Weak<Mutex<Watch>>) {
    loop {
        thread::sleep(TICK);
        let Some(watch) = watch.upgrade() else { return };
        lock(&watch).look();
    }
}

/// The time since the host's boot, that in which it was suspended too.
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

/// How long a thread has run and how long it has waited for a CPU, since it began.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spent {
    at: Duration,
    ran: Duration,
    waited: Duration,
}

struct Watch {
    /// The part of what it wants of a CPU that a thread has to get.
    share: f64,
    last: Duration,
    qemu: Option<Pid>,
    stopped_since: Option<Duration>,
    threads: BTreeMap<i32, VecDeque<Spent>>,
    worst: Option<Stall>,
}

impl Watch {
    fn new(share: f64, last: Duration) -> Self {
        Watch { share, last, qemu: None, stopped_since: None, threads: BTreeMap::new(), worst: None }
    }

    fn look(&mut self) {
        let now = now();
        self.tick(now);
        if let Some(qemu) = self.qemu {
            self.stopped(is_stopped(qemu), now);
            self.spent(spent(qemu, now));
        }
    }

    fn keep(&mut self, kind: StallKind, length: Duration) {
        if self.worst.is_none_or(|worst| worst.length < length) {
            self.worst = Some(Stall { kind, length });
        }
    }

    /// Another look, at this time.
    fn tick(&mut self, now: Duration) {
        let gap = now.saturating_sub(self.last);
        if gap > TICK + LATE {
            self.keep(StallKind::Here, gap - TICK);
        }
        self.last = now;
    }

    /// Whether QEMU is stopped at this time.
    fn stopped(&mut self, is_it: bool, now: Duration) {
        match (is_it, self.stopped_since) {
            (false, _) => self.stopped_since = None,
            (true, since) => {
                let since = *self.stopped_since.insert(since.unwrap_or(now));
                self.keep(StallKind::Qemu, now.saturating_sub(since).max(TICK));
            }
        }
    }

    /// What QEMU's threads have had until now. One that is gone is forgotten.
    fn spent(&mut self, threads: BTreeMap<i32, Spent>) {
        self.threads.retain(|id, _| threads.contains_key(id));
        for (id, now) in threads {
            let past = self.threads.entry(id).or_default();
            past.push_back(now);
            // The first that is left is the last that is at least a window old.
            while past.get(1).is_some_and(|second| now.at.saturating_sub(second.at) >= WINDOW) {
                past.pop_front();
            }
            let Some(first) = past.front().filter(|first| now.at.saturating_sub(first.at) >= WINDOW) else {
                continue;
            };
            let (ran, waited) = (now.ran.saturating_sub(first.ran), now.waited.saturating_sub(first.waited));
            let wanted = ran + waited;
            if wanted >= WANTED && ran < wanted.mul_f64(self.share) {
                self.keep(StallKind::Starved, waited);
            }
        }
    }
}

/// Whether a process is stopped (proc_pid_stat(5), `state`).
fn is_stopped(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    matches!(state, Some("T" | "t"))
}

/// What each thread of a process has had; none where the kernel does not count it (Documentation/scheduler/sched-stats.rst).
fn spent(pid: Pid, at: Duration) -> BTreeMap<i32, Spent> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |task: std::fs::DirEntry| {
        let id = task.file_name().to_str()?.parse().ok()?;
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let mut numbers = text.split_whitespace().map(|number| number.parse().map(Duration::from_nanos));
        let (ran, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some((id, Spent { at, ran, waited }))
    };
    tasks.filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use nix::sys::signal::{Signal, kill};
    use rstest::rstest;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn watch() -> Watch {
        Watch::new(0.25, ms(0))
    }

    #[rstest]
    #[case::in_time(&[50, 100, 151], None)]
    #[case::a_little_late(&[50, 290, 340], None)]
    #[case::stopped(&[50, 6_300, 6_350], Some(6_200))]
    #[case::twice(&[50, 1_100, 4_150, 4_200], Some(3_000))]
    fn a_look_that_is_late_is_a_stall_of_this_process(#[case] looks: &[u64], #[case] stall: Option<u64>) {
        let mut watch = watch();
        looks.iter().for_each(|at| watch.tick(ms(*at)));
        assert_eq!(watch.worst, stall.map(|length| Stall { kind: StallKind::Here, length: ms(length) }));
    }

    /// A thread that each 50 ms runs and waits for so long.
    #[rstest]
    #[case::alone(50, 0, false)]
    #[case::idle(1, 1, false)]
    #[case::idle_and_kept_waiting(1, 20, false)]
    #[case::one_of_four(12, 38, false)]
    #[case::one_of_ten(5, 45, true)]
    #[case::nothing_at_all(0, 50, true)]
    fn a_thread_that_wants_a_cpu_and_hardly_gets_one_is_starved(
        #[case] ran: u64,
        #[case] waited: u64,
        #[case] starved: bool,
    ) {
        let mut watch = Watch::new(0.2, ms(0));
        for round in 0..30 {
            let spent = Spent { at: ms(round * 50), ran: ms(round * ran), waited: ms(round * waited) };
            watch.spent([(7, spent)].into());
        }
        assert_eq!(watch.worst.is_some_and(|stall| stall.kind == StallKind::Starved), starved);
    }

    #[test]
    fn a_wait_that_is_counted_when_it_is_over_is_seen_then() {
        // The kernel adds a wait when the thread gets its CPU (kernel/sched/stats.h, sched_info_arrive).
        let mut watch = watch();
        for at in (0..2_000).step_by(50) {
            let waited = if at < 1_500 { 0 } else { 1_400 };
            watch.spent([(7, Spent { at: ms(at), ran: ms(1), waited: ms(waited) })].into());
        }
        assert_eq!(watch.worst, Some(Stall { kind: StallKind::Starved, length: ms(1_400) }));
    }

    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_process_that_is_really_stopped_is_seen() {
        let child = Sleeper(Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap());
        let pid = Pid::from_raw(child.0.id() as i32);
        assert!(!is_stopped(pid));
        kill(pid, Signal::SIGSTOP).unwrap();
        while !is_stopped(pid) {
            thread::yield_now();
        }
        let time = HostTime::watch(2);
        time.follow(pid);
        assert_eq!(time.stall().map(|stall| stall.kind), Some(StallKind::Qemu));
    }

    #[test]
    fn the_kernel_counts_what_this_process_has_had() {
        let own = spent(Pid::this(), now());
        assert!(own.values().any(|spent| spent.ran > Duration::ZERO), "{own:?}");
    }
}
