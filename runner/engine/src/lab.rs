//! Runs sessions on a kernel: several guests at once, each booted by plan and retired when spoiled.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use scrubjay_machine::{MOST_DEVICES, Snapshot, Stall};
use scrubjay_session::klog::{self, Event};
use scrubjay_session::observation::{Aside, Observation, Seen, StepEnd};
use scrubjay_session::{MODULE_REFUSED, Performance, Session, Transcript};
use scrubjay_wire::{Lack, LogLine};

use crate::converse::Spoken;
use crate::guest::{Failure, Fallen, Live, Tries, keep};
use crate::plan::{BootPlan, plan, plan_apart};
use crate::presence::{Presence, Rank};
use crate::setup::{Kernel, Lab};

/// The id under which damage that came with the boot stands in a transcript.
pub const BOOT_STEP: &str = "(boot)";

/// How often a session is tried again whose result may be the host's doing.
const TRIES_MORE: usize = 3;

/// Why a session was not begun once the time was over.
const OVER: &str = "not begun: the time that was given was over";

/// What sessions gave on one kernel.
#[derive(Clone, Debug, Default)]
pub struct KernelRun {
    /// `uname -r`; empty when no guest came up.
    pub release: String,
    /// The evidence, when the kernel has no fwctl.
    pub absent: Option<String>,
    /// By session.
    pub performances: BTreeMap<String, Performance>,
    /// What could not be observed on this kernel, and why.
    pub not_checked: Vec<String>,
    /// How its guests came up.
    pub came_up: CameUp,
    /// The sessions of each guest, in the order in which they were performed in it.
    pub guests: Vec<Vec<String>>,
}

/// How guests came up.
#[derive(Clone, Debug, Default)]
pub struct CameUp {
    /// How many booted, those that are kept among them.
    pub booted: u32,
    /// How many started from one that is kept.
    pub started: u32,
    /// What was done once more, because it may have been the host's doing.
    pub again: Vec<Again>,
}

impl CameUp {
    /// Takes in how others did.
    pub fn add(&mut self, other: CameUp) {
        self.booted += other.booted;
        self.started += other.started;
        self.again.extend(other.again);
    }
}

/// A boot or a session that was tried once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// The session; none for a boot.
    pub session: Option<String>,
    /// Why.
    pub why: String,
}

/// Whether what came of a session stands although the host may have had a part in it: what is as expected, and
/// what no host can bring about.
pub type Stands<'a> = dyn Fn(&str, &Performance) -> bool + Sync + 'a;

/// What happens while sessions are run.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A guest is booted.
    Booting(&'a BootPlan),
    /// A session has come to something.
    Session {
        /// Its id.
        session: &'a str,
        /// What.
        performance: &'a Performance,
        /// How long it took.
        time: Duration,
    },
    /// A guest can serve no other session.
    Retired {
        /// The session that it served last.
        session: &'a str,
        /// Why.
        why: &'a str,
        /// Its console.
        console: &'a str,
        /// Whether the kernel reported its end, or what leads to it.
        died: bool,
    },
}

/// Who is told of what happens, one thing at a time and from any thread.
pub type Tell<'a> = dyn FnMut(Progress) + Send + 'a;

impl Lab<'_> {
    /// Runs sessions on a kernel, in boots by plan. Nothing is kept that the host may have had a part in.
    pub fn run(&self, kernel: &Kernel, sessions: &[&Session], tell: &mut Tell) -> KernelRun {
        self.run_judged(kernel, sessions, &|_, _| false, tell)
    }

    /// The same, where someone knows what is expected: `stands` says what is kept all the same.
    pub fn run_judged(
        &self,
        kernel: &Kernel,
        sessions: &[&Session],
        stands: &Stands,
        tell: &mut Tell,
    ) -> KernelRun {
        self.run_until(kernel, &plan(sessions, MOST_DEVICES), stands, self.until, tell)
    }

    /// The same, in other company than in [`Lab::run_judged`] of the same sessions: last first, and those that have
    /// devices of their own in other guests than those that share. `cold`: each guest boots with its devices.
    pub fn run_apart(
        &self,
        kernel: &Kernel,
        sessions: &[&Session],
        cold: bool,
        stands: &Stands,
        tell: &mut Tell,
    ) -> KernelRun {
        let mut plans = plan_apart(sessions, MOST_DEVICES);
        plans.iter_mut().for_each(|plan| plan.cold |= cold);
        self.run_plans(kernel, &plans, stands, tell)
    }

    /// Runs the sessions of these plans, as many guests at once as the lab allows. What comes of it
    /// does not depend on how many those are; the order in which sessions are told of does.
    ///
    /// A session that came to what the host may have had a part in is tried again when all others are done, in a
    /// fresh guest, with no other guest beside it: `TRIES_MORE` times at most, then it could not be tested.
    pub fn run_plans(
        &self,
        kernel: &Kernel,
        plans: &[BootPlan],
        stands: &Stands,
        tell: &mut Tell,
    ) -> KernelRun {
        self.run_until(kernel, plans, stands, None, tell)
    }

    fn run_until(
        &self,
        kernel: &Kernel,
        plans: &[BootPlan],
        stands: &Stands,
        until: Option<Instant>,
        tell: &mut Tell,
    ) -> KernelRun {
        let tell = Mutex::new(tell);
        let round = Round { kernel, stands, until, tell: &tell };
        let (mut whole, mut put_off) = self.round(&round, plans, self.guests, false);
        for more in 1..=TRIES_MORE {
            if put_off.is_empty() {
                break;
            }
            let sessions: Vec<_> = put_off.keys().filter_map(|id| self.sessions.get(id)).collect();
            let once_more = |(session, why): (&String, &String)| Again {
                session: Some(session.clone()),
                why: why.clone(),
            };
            whole.came_up.again.extend(put_off.iter().map(once_more));
            let plans = plan(&sessions, MOST_DEVICES);
            // What was begun in time is settled.
            let round = Round { until: None, ..round };
            let (again, left) = self.round(&round, &plans, 1, more == TRIES_MORE);
            whole.merge(again);
            put_off = left;
        }
        whole
    }

    /// Runs plans once; what came of it, and the sessions that have to be tried again, with the reason.
    fn round(
        &self,
        round: &Round,
        plans: &[BootPlan],
        guests: usize,
        last: bool,
    ) -> (KernelRun, BTreeMap<String, String>) {
        let kernel = round.kernel;
        let put_off = Mutex::default();
        let presence = Presence::default();
        if let Some(evidence) = &kernel.absent {
            presence.decide(Some(evidence.clone()));
        }
        let next = AtomicUsize::new(0);
        let at_once = guests.clamp(1, plans.len().max(1));
        let shared = shared_command_lines(plans);
        let work = || {
            let mut runs = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(plan) = plans.get(index) else { return runs };
                let rank = if index == 0 { Rank::First } else { Rank::Later };
                let put_off = (!last).then_some(&put_off);
                let boots =
                    Boots { lab: self, round, presence: &presence, rank, shared: &shared, at_once, put_off };
                // Its guest may not come up: nobody has to wait for its word then.
                let _decided = (rank == Rank::First).then(|| presence.decided_at_last());
                let mut run = KernelRun::default();
                boots.run_whatever_happens(plan, &mut run);
                runs.push((index, run));
            }
        };
        let mut runs = thread::scope(|scope| {
            let start = |_| thread::Builder::new().name("boots".into()).spawn_scoped(scope, work).ok();
            let workers: Vec<_> = (1..at_once).filter_map(start).collect();
            // This thread is one of them: where there can be no other, all is done all the same.
            let mut runs = work();
            let joined = workers.into_iter().map(|worker| worker.join());
            runs.extend(joined.flat_map(|runs| runs.unwrap_or_else(|e| std::panic::resume_unwind(e))));
            runs
        });
        runs.sort_by_key(|(index, _)| *index);
        let mut whole = KernelRun { absent: presence.absent(), ..KernelRun::default() };
        runs.into_iter().for_each(|(_, run)| whole.merge(run));
        (whole, put_off.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What all rounds of a run have in common.
#[derive(Clone, Copy)]
struct Round<'a, 'u, 't> {
    kernel: &'a Kernel,
    stands: &'a Stands<'a>,
    until: Option<Instant>,
    tell: &'a Mutex<&'u mut Tell<'t>>,
}

/// The boots of one plan.
struct Boots<'a, 'u, 't> {
    lab: &'a Lab<'a>,
    round: &'a Round<'a, 'u, 't>,
    presence: &'a Presence,
    rank: Rank,
    /// The command lines of more than one guest.
    shared: &'a BTreeSet<&'a str>,
    /// How many guests run at once.
    at_once: usize,
    /// The sessions that have to be tried again, with the reason; `None` where nothing is tried again.
    put_off: Option<&'a Mutex<BTreeMap<String, String>>>,
}

/// Why a result may be the host's doing.
enum Doubt {
    /// The host stood still: whatever the kernel did, it says nothing of the kernel.
    Stall(Stall),
    /// The kernel did something that a busy host makes it do, and its own mistakes too.
    Likely(String),
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Doubt::Stall(stall) => stall.fmt(f),
            Doubt::Likely(why) => f.write_str(why),
        }
    }
}

impl Boots<'_, '_, '_> {
    fn tell(&self, progress: Progress) {
        let mut tell = self.round.tell.lock().unwrap_or_else(PoisonError::into_inner);
        tell(progress);
    }

    /// Keeps what came of a session, or puts the session off where that may be the host's doing.
    fn settle(
        &self,
        id: &str,
        performance: Performance,
        doubt: Option<Doubt>,
        time: Duration,
        run: &mut KernelRun,
    ) {
        let stands =
            matches!(performance, Performance::Skipped { .. }) || (self.round.stands)(id, &performance);
        let performance = match (doubt.filter(|_| !stands), self.put_off) {
            (None, _) => performance,
            (Some(doubt), Some(put_off)) => {
                let mut put_off = put_off.lock().unwrap_or_else(PoisonError::into_inner);
                put_off.insert(id.to_owned(), doubt.to_string());
                return;
            }
            (Some(Doubt::Stall(stall)), None) => {
                let last = match &performance {
                    Performance::Failed { why } => format!("; at last: {why}"),
                    _ => String::new(),
                };
                let tries = TRIES_MORE + 1;
                Performance::Failed {
                    why: format!("the host did not let it run: tried {tries} times, and {stall}{last}"),
                }
            }
            // Each time, and the host had time: the kernel does it.
            (Some(Doubt::Likely(_)), None) => performance,
        };
        self.tell(Progress::Session { session: id, performance: &performance, time });
        run.performances.insert(id.to_owned(), performance);
    }

    /// Runs the sessions of one plan. A panic on the way is a mistake of this program: it ends this plan's sessions
    /// that have come to nothing yet, each as an error of ours, and no other's.
    fn run_whatever_happens(&self, plan: &BootPlan, run: &mut KernelRun) {
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.run_boot(plan, run))) else { return };
        let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        let why = format!("scrubjay panicked: {said} (a mistake of this program, please report it)");
        let left = plan.sessions.iter().filter(|id| !run.performances.contains_key(*id)).cloned().collect();
        let left = BootPlan { sessions: left, ..plan.clone() };
        self.settle_all(&left, None, run, |_| Performance::Failed { why: why.clone() });
    }

    /// Runs the sessions of one plan, in as many guests as that takes.
    fn run_boot(&self, plan: &BootPlan, run: &mut KernelRun) {
        let mut left = plan.clone();
        while !left.sessions.is_empty() {
            if let Some(evidence) = self.presence.absent() {
                let why = format!("this kernel has no fwctl ({evidence})");
                return self.settle_all(&left, None, run, |_| Performance::Skipped { why: why.clone() });
            }
            if self.is_over() {
                return self.settle_all(&left, None, run, |_| Performance::Failed { why: OVER.to_owned() });
            }
            left = self.run_guest(left, run);
        }
    }

    fn is_over(&self) -> bool {
        self.round.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Runs sessions in one guest; what is left when it is spoiled, or when the time is over.
    fn run_guest(&self, mut plan: BootPlan, run: &mut KernelRun) -> BootPlan {
        self.tell(Progress::Booting(&plan));
        let done = BootPlan { sessions: Vec::new(), ..plan.clone() };
        let mut tries = Tries::default();
        let kept = self.kept(&plan, &mut tries);
        let live = Live::up(self.lab, self.round.kernel, &plan, kept.as_deref(), self.at_once, &mut tries);
        run.came_up.booted += tries.booted;
        run.came_up.started += u32::from(kept.is_some());
        // What a kernel does to its devices is held against it only where it found them while it booted.
        let doubted = kept.is_some().then(|| doubt(&live)).flatten();
        let once_more = |why| Again { session: None, why };
        run.came_up.again.extend(tries.again.into_iter().chain(doubted.clone()).map(once_more));
        if doubted.is_some() {
            return BootPlan { cold: true, ..plan };
        }
        let mut live = match live {
            Ok(live) => live,
            Err(Fallen { why: Failure::Panicked(log), stall }) => {
                self.hurt_at_boot(&plan, log, StepEnd::GuestDied, stall, run);
                return done;
            }
            Err(Fallen { why: Failure::Silent(why) | Failure::Other(why), stall }) => {
                self.settle_all(&plan, stall, run, |_| Performance::Failed { why: why.clone() });
                return done;
            }
        };
        run.learn(&live, self.round.kernel);
        if self.presence.learn(self.rank, &live).is_some() {
            return plan;
        }
        if live.damage().is_some() {
            let log = live.log.clone();
            self.hurt_at_boot(&plan, log, StepEnd::CameBack, live.stall(), run);
            return done;
        }
        if let Err(why) = live.prepare(&plan, self.lab) {
            self.settle_all(&plan, live.stall(), run, |_| Performance::Failed { why: why.clone() });
            return done;
        }
        run.guests.push(Vec::new());
        while !plan.sessions.is_empty() && !self.is_over() {
            let id = plan.sessions.remove(0);
            run.leave_unchecked(self.sampled(&id).into_iter().collect());
            let start = Instant::now();
            let Spoken { performance, spoiled, doubt } = self.run_session(&mut live, &id);
            // What the host did to a guest in an earlier session may show in a later one.
            let doubt = live.stall().map(Doubt::Stall).or(doubt.map(Doubt::Likely));
            self.settle(&id, performance, doubt, start.elapsed(), run);
            run.guests.last_mut().expect("it was pushed").push(id.clone());
            if let Some(why) = spoiled {
                let console = &live.console().0;
                self.tell(Progress::Retired { session: &id, why: &why, console, died: has_died(console) });
                return plan;
            }
        }
        plan
    }

    /// The guest that one for this plan starts from; kept now, where nobody did before and others will start from it
    /// too.
    fn kept(&self, plan: &BootPlan, tries: &mut Tries) -> Option<Arc<Snapshot>> {
        if plan.cold || !self.lab.keep {
            return None;
        }
        let shared = self.shared.contains(plan.command_line.as_str());
        self.round
            .kernel
            .kept
            .of(&plan.command_line, shared, || keep(self.lab, self.round.kernel, &plan.command_line, tries))
    }

    /// What is left out of a session here.
    fn sampled(&self, id: &str) -> Option<String> {
        let (session, most) = (self.lab.sessions.get(id)?, self.lab.sample(self.round.kernel)?);
        session.steps.iter().any(|step| step.is_sampled(most)).then(|| {
            format!(
                "values of a sweep whose outcome is undefined: of more than {most} a sample of so many was tried, \
                 for damage (--thorough: all)"
            )
        })
    }

    fn run_session(&self, live: &mut Live, id: &str) -> Spoken {
        let none = |performance| Spoken { performance, spoiled: None, doubt: None };
        let Some(session) = self.lab.sessions.get(id) else {
            return none(Performance::Failed { why: "no such session".into() });
        };
        let lacking = session.needs.iter().map(|need| need.lack()).find(|l| live.hello.lacks.contains(l));
        if let Some(lack) = lacking {
            return none(match self.round.kernel.says_it_has(lack) {
                None => Performance::Skipped { why: format!("this kernel has no {lack}") },
                Some(option) => Performance::Failed {
                    why: format!(
                        "the guest says that its kernel has no {lack}, and that was built with {option}"
                    ),
                },
            });
        }
        if self.lab.sabotage.take() {
            live.abandon_devices();
        }
        live.perform(session, self.lab).unwrap_or_else(|why| none(Performance::Failed { why }))
    }

    /// A kernel that was hurt before its first session: with several sets of devices each gets a
    /// guest of its own, so that the guilty one is found; with one, that is what its sessions show.
    fn hurt_at_boot(
        &self,
        plan: &BootPlan,
        log: Vec<LogLine>,
        end: StepEnd,
        stall: Option<Stall>,
        run: &mut KernelRun,
    ) {
        let sessions: Vec<_> = plan.sessions.iter().filter_map(|id| self.lab.sessions.get(id)).collect();
        let isolated = plan.isolated(&sessions);
        if isolated.len() > 1 {
            for plan in isolated {
                self.run_boot(&plan, run);
            }
            return;
        }
        self.settle_all(plan, stall, run, |id| {
            let step = self.lab.sessions.get(id).and_then(Session::probe_step).unwrap_or(BOOT_STEP);
            Performance::Performed(Box::new(boot_transcript(id, step, &log, end)))
        });
    }

    fn settle_all(
        &self,
        plan: &BootPlan,
        stall: Option<Stall>,
        run: &mut KernelRun,
        performance: impl Fn(&str) -> Performance,
    ) {
        for id in &plan.sessions {
            self.settle(id, performance(id), stall.map(Doubt::Stall), Duration::ZERO, run);
        }
    }
}

/// Why a guest that started from a kept one is booted instead: what it shows would be held against the kernel.
fn doubt(live: &Result<Live, Fallen>) -> Option<String> {
    let told = |what: String| format!("started from a kept guest, {what}: booted instead");
    match live {
        Ok(live) => live.damage().or_else(|| live.without_nodes()).map(told),
        Err(Fallen { why: Failure::Panicked(_), .. }) => Some(told("the kernel died".to_owned())),
        Err(Fallen { why: Failure::Silent(why) | Failure::Other(why), .. }) => Some(told(why.clone())),
    }
}

/// The command lines that more than one of these plans has, of those that may start from a guest that is kept.
fn shared_command_lines(plans: &[BootPlan]) -> BTreeSet<&str> {
    let mut seen = BTreeSet::new();
    let warm = plans.iter().filter(|plan| !plan.cold).map(|plan| plan.command_line.as_str());
    warm.filter(|line| !seen.insert(*line)).collect()
}

/// Whether a console shows that a kernel died, or was hurt so that it may have: more than a warning.
fn has_died(console: &str) -> bool {
    let events = crate::converse::damage_lines(console);
    events.iter().filter_map(klog::classify).any(|e| e.class.is_damage() && e.class != klog::Class::Warning)
}

impl KernelRun {
    /// Takes over what a guest says of its kernel.
    fn learn(&mut self, live: &Live, kernel: &Kernel) {
        if self.release.is_empty() {
            self.release = live.hello.release.clone();
            let lacks = live.hello.lacks.iter().filter(|l| **l != Lack::Fwctl);
            self.not_checked.extend(lacks.map(|l| match kernel.says_it_has(*l) {
                None => format!("{l} ({})", kernel.is_without(*l)),
                Some(option) => {
                    format!(
                        "{l}: the guest says that this kernel has none, although it was built with {option}"
                    )
                }
            }));
            let refused = live.hello.modules_refused.iter();
            self.not_checked.extend(refused.map(|m| format!("{MODULE_REFUSED}: {m}")));
        }
        let by_hand = |root: &String| {
            format!("binding of {root} at boot: this kernel did not, so it was bound by hand")
        };
        self.leave_unchecked(live.bound.iter().map(by_hand).collect());
    }

    fn leave_unchecked(&mut self, lines: Vec<String>) {
        for line in lines {
            if !self.not_checked.contains(&line) {
                self.not_checked.push(line);
            }
        }
    }

    /// Takes in what the sessions of another plan gave on the same kernel.
    pub fn merge(&mut self, other: KernelRun) {
        if self.release.is_empty() {
            self.release = other.release;
        }
        self.leave_unchecked(other.not_checked);
        self.absent = self.absent.take().or(other.absent);
        self.performances.extend(other.performances);
        self.came_up.add(other.came_up);
        self.guests.extend(other.guests);
    }
}

/// The transcript of a session whose guest was hurt at boot.
fn boot_transcript(session: &str, step: &str, log: &[LogLine], end: StepEnd) -> Transcript {
    let events: Vec<Event> = log.iter().filter_map(klog::classify).collect();
    let observation = Observation { end, log: events, ..Observation::default() };
    let aside = Aside { lines: log.to_vec(), ..Aside::default() };
    let mut transcript = Transcript::new(session);
    transcript.steps.push(Seen { id: step.to_owned(), observation, aside });
    transcript
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(command_line: &str, cold: bool) -> BootPlan {
        let boot = scrubjay_session::Boot::Clean;
        let (command_line, devices, sessions) = (command_line.to_owned(), Vec::new(), Vec::new());
        BootPlan { boot, cold, command_line, devices, sessions, number: 1 }
    }

    #[test]
    fn a_guest_is_kept_for_a_command_line_that_more_than_one_may_start_with() {
        let plans =
            [("", false), ("a", false), ("b", false), ("b", true), ("a", false), ("c", true), ("c", true)];
        let plans = plans.map(|(line, cold)| planned(line, cold));
        assert_eq!(shared_command_lines(&plans), BTreeSet::from(["a"]));
    }

    #[test]
    fn what_a_started_guest_would_be_held_to_is_looked_at_in_one_that_boots() {
        let fallen = |why| Err(Fallen { why, stall: None });
        let doubts = [
            fallen(Failure::Panicked(Vec::new())),
            fallen(Failure::Silent("silent".into())),
            fallen(Failure::Other("a stream that is cut".into())),
        ];
        let told: Vec<_> = doubts.iter().map(|live| doubt(live).unwrap()).collect();
        assert!(told[0].contains("the kernel died: booted instead"), "{told:?}");
        assert!(told[2].contains("a stream that is cut"), "{told:?}");
    }

    #[rstest::rstest]
    #[case::nothing("[    0.1] cxl_pci 0000:0d:00.0: registered\n", false)]
    #[case::a_warning("[    1.0] WARNING: drivers/a.c:1 at f+0x1/0x2\n", false)]
    #[case::an_oops("[    1.0] BUG: kernel NULL pointer dereference, address: 0\n", true)]
    #[case::a_heap("[    1.0] BUG kmalloc-16 (Not tainted): Object corrupt\n", true)]
    #[case::a_lock("[    1.0] watchdog: BUG: soft lockup - CPU#0 stuck\n", true)]
    #[case::a_panic("[    1.0] Kernel panic - not syncing: x\n", true)]
    fn a_console_tells_whether_its_kernel_died(#[case] console: &str, #[case] died: bool) {
        assert_eq!(has_died(console), died);
    }
}
