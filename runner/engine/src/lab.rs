//! Runs sessions on a kernel: several guests at once, each booted by plan and retired when spoiled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use scrubjay_machine::MOST_DEVICES;
use scrubjay_session::klog::{self, Event};
use scrubjay_session::observation::{Aside, Observation, Seen, StepEnd};
use scrubjay_session::{Performance, Session, Transcript};
use scrubjay_wire::LogLine;

use crate::converse::Spoken;
use crate::guest::{Failure, Live};
use crate::plan::{BootPlan, plan};
use crate::presence::{Presence, Rank};
use crate::setup::{Kernel, Lab};

/// The id under which damage that came with the boot stands in a transcript.
pub const BOOT_STEP: &str = "(boot)";

/// How often a session that came to nothing because the host was busy is tried again.
const TRIES_MORE: usize = 3;

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
    /// How many guests were booted.
    pub boots: u32,
}

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
    },
}

/// Who is told of what happens, one thing at a time and from any thread.
pub type Tell<'a> = dyn FnMut(Progress) + Send + 'a;

impl Lab<'_> {
    /// Runs sessions on a kernel, in boots by plan.
    pub fn run(&self, kernel: &Kernel, sessions: &[&Session], tell: &mut Tell) -> KernelRun {
        self.run_plans(kernel, &plan(sessions, MOST_DEVICES), tell)
    }

    /// Runs the sessions of these plans, as many guests at once as the lab allows. What comes of it
    /// does not depend on how many those are; the order in which sessions are told of does.
    pub fn run_plans(&self, kernel: &Kernel, plans: &[BootPlan], tell: &mut Tell) -> KernelRun {
        let tell = Mutex::new(tell);
        let presence = Presence::default();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut runs = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(plan) = plans.get(index) else { return runs };
                let rank = if index == 0 { Rank::First } else { Rank::Later };
                let boots = Boots { lab: self, kernel, presence: &presence, rank, tell: &tell };
                let mut run = KernelRun::default();
                boots.run_boot(plan, &mut run);
                if rank == Rank::First {
                    // Its guest may not have come up: nobody has to wait for its word any longer.
                    presence.decide(None);
                }
                runs.push((index, run));
            }
        };
        let mut runs = thread::scope(|scope| {
            let workers: Vec<_> =
                (0..self.guests.clamp(1, plans.len().max(1))).map(|_| scope.spawn(work)).collect();
            let joined = workers.into_iter().map(|worker| worker.join());
            joined.flat_map(|runs| runs.unwrap_or_else(|e| std::panic::resume_unwind(e))).collect::<Vec<_>>()
        });
        runs.sort_by_key(|(index, _)| *index);
        let mut whole = KernelRun { absent: presence.absent(), ..KernelRun::default() };
        runs.into_iter().for_each(|(_, run)| whole.merge(run));
        whole
    }
}

/// The boots of one plan.
struct Boots<'a, 't> {
    lab: &'a Lab<'a>,
    kernel: &'a Kernel,
    presence: &'a Presence,
    rank: Rank,
    tell: &'a Mutex<&'a mut Tell<'t>>,
}

impl Boots<'_, '_> {
    fn tell(&self, progress: Progress) {
        let mut tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        tell(progress);
    }

    /// Runs the sessions of one plan, in as many guests as that takes.
    fn run_boot(&self, plan: &BootPlan, run: &mut KernelRun) {
        let mut left = plan.clone();
        let mut late = Vec::new();
        while !left.sessions.is_empty() {
            if let Some(evidence) = self.presence.absent() {
                let why = format!("this kernel has no fwctl ({evidence})");
                return self.settle_all(&left, run, |_| Performance::Skipped { why: why.clone() });
            }
            left = self.run_guest(left, run, &mut late);
        }
    }

    /// Runs sessions in one guest; what is left when it is spoiled.
    ///
    /// `late` has the sessions that came to nothing because the host was busy: each is tried again.
    fn run_guest(&self, mut plan: BootPlan, run: &mut KernelRun, late: &mut Vec<String>) -> BootPlan {
        self.tell(Progress::Booting(&plan));
        run.boots += 1;
        let done = BootPlan { sessions: Vec::new(), ..plan.clone() };
        let mut live = match Live::up(self.lab, self.kernel, &plan) {
            Ok(live) => live,
            Err(Failure::Panicked(log)) => {
                self.hurt_at_boot(&plan, log, StepEnd::GuestDied, run);
                return done;
            }
            Err(Failure::Silent(why) | Failure::Other(why)) => {
                self.settle_all(&plan, run, |_| Performance::Failed { why: why.clone() });
                return done;
            }
        };
        run.learn(&live);
        if self.presence.learn(self.rank, &live).is_some() {
            return plan;
        }
        if live.damage().is_some() {
            let log = live.log.clone();
            self.hurt_at_boot(&plan, log, StepEnd::CameBack, run);
            return done;
        }
        if let Err(why) = live.prepare(&plan, self.lab) {
            self.settle_all(&plan, run, |_| Performance::Failed { why: why.clone() });
            return done;
        }
        while !plan.sessions.is_empty() {
            let id = plan.sessions.remove(0);
            let start = Instant::now();
            let Spoken { performance, spoiled, late: is_late } = self.run_session(&mut live, &id);
            if is_late && late.iter().filter(|earlier| **earlier == id).count() < TRIES_MORE {
                late.push(id.clone());
                plan.sessions.insert(0, id);
                return plan;
            }
            self.tell(Progress::Session { session: &id, performance: &performance, time: start.elapsed() });
            run.performances.insert(id.clone(), performance);
            if let Some(why) = spoiled {
                self.tell(Progress::Retired { session: &id, why: &why, console: &live.console().0 });
                return plan;
            }
        }
        live.down();
        plan
    }

    fn run_session(&self, live: &mut Live, id: &str) -> Spoken {
        let none = |performance| Spoken { performance, spoiled: None, late: false };
        let Some(session) = self.lab.sessions.get(id) else {
            return none(Performance::Failed { why: "no such session".into() });
        };
        let lacking = session.needs.iter().find(|need| live.hello.lacks.iter().any(|l| l == need.name()));
        if let Some(need) = lacking {
            return none(Performance::Skipped { why: format!("this kernel has no {}", need.name()) });
        }
        if self.lab.sabotage.take() {
            live.abandon_devices();
        }
        live.perform(session, self.lab).unwrap_or_else(|why| none(Performance::Failed { why }))
    }

    /// A kernel that was hurt before its first session: with several sets of devices each gets a
    /// guest of its own, so that the guilty one is found; with one, that is what its sessions show.
    fn hurt_at_boot(&self, plan: &BootPlan, log: Vec<LogLine>, end: StepEnd, run: &mut KernelRun) {
        let sessions: Vec<_> = plan.sessions.iter().filter_map(|id| self.lab.sessions.get(id)).collect();
        let isolated = plan.isolated(&sessions);
        if isolated.len() > 1 {
            for plan in isolated {
                self.run_boot(&plan, run);
            }
            return;
        }
        self.settle_all(plan, run, |id| {
            let step = self.lab.sessions.get(id).and_then(Session::probe_step).unwrap_or(BOOT_STEP);
            Performance::Performed(Box::new(boot_transcript(id, step, &log, end)))
        });
    }

    fn settle_all(&self, plan: &BootPlan, run: &mut KernelRun, performance: impl Fn(&str) -> Performance) {
        for id in &plan.sessions {
            let performance = performance(id);
            self.tell(Progress::Session { session: id, performance: &performance, time: Duration::ZERO });
            run.performances.insert(id.clone(), performance);
        }
    }
}

impl KernelRun {
    /// Takes over what a guest says of its kernel.
    fn learn(&mut self, live: &Live) {
        if self.release.is_empty() {
            self.release = live.hello.release.clone();
            let lacks = live.hello.lacks.iter().filter(|l| *l != "fwctl");
            self.not_checked.extend(lacks.map(|l| format!("{l}: this kernel has none")));
            let refused = live.hello.modules_refused.iter();
            self.not_checked.extend(refused.map(|m| format!("module refused: {m}")));
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
        self.boots += other.boots;
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
