//! Runs sessions on a kernel: boots guests by plan, retires those that are spoiled.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use scrubjay_machine::{Accel, MOST_DEVICES, Qemu};
use scrubjay_session::klog::{self, Event};
use scrubjay_session::observation::{Aside, Observation, Seen, StepEnd};
use scrubjay_session::profile::Profiles;
use scrubjay_session::{Performance, Session, Sessions, Transcript};
use scrubjay_wire::LogLine;
use uuid::Uuid;

use crate::guest::{Failure, Live};
use crate::plan::{BootPlan, plan};

/// The id under which damage that came with the boot stands in a transcript.
pub const BOOT_STEP: &str = "(boot)";

/// A kernel to be tested.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its id.
    pub id: String,
    /// The bzImage.
    pub image: PathBuf,
    /// Modules in the order of loading.
    pub modules: Vec<PathBuf>,
}

/// Everything that sessions are run with.
pub struct Lab<'a> {
    /// QEMU.
    pub qemu: &'a Qemu,
    /// Who executes the guest's instructions.
    pub accel: Accel,
    /// Virtual CPUs of a guest.
    pub vcpus: u8,
    /// The device profiles.
    pub profiles: &'a Profiles,
    /// The sessions.
    pub sessions: &'a Sessions,
    /// What is done to the devices of the next session, for tests of what then happens.
    pub sabotage: Sabotage,
}

/// Makes the servers of a guest's devices go away under it.
#[derive(Debug, Default)]
pub struct Sabotage(AtomicBool);

impl Sabotage {
    /// Before the next session.
    pub fn arm(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

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
        /// Why.
        why: &'a str,
        /// Its console.
        console: &'a str,
    },
}

impl Lab<'_> {
    /// Runs sessions on a kernel, in boots by plan.
    pub fn run(&self, kernel: &Kernel, sessions: &[&Session], tell: &mut dyn FnMut(Progress)) -> KernelRun {
        let mut run = KernelRun::default();
        for plan in plan(sessions, MOST_DEVICES) {
            self.run_boot(kernel, &plan, &mut run, tell);
        }
        run
    }

    /// Runs the sessions of one plan, in as many guests as that takes.
    pub fn run_boot(
        &self,
        kernel: &Kernel,
        plan: &BootPlan,
        run: &mut KernelRun,
        tell: &mut dyn FnMut(Progress),
    ) {
        let mut left = plan.clone();
        while !left.sessions.is_empty() {
            if let Some(evidence) = run.absent.clone() {
                let why = format!("this kernel has no fwctl ({evidence})");
                return settle_all(&left, run, tell, |_| Performance::Skipped { why: why.clone() });
            }
            left = self.run_guest(kernel, left, run, tell);
        }
    }

    /// Runs sessions in one guest; what is left when it is spoiled.
    fn run_guest(
        &self,
        kernel: &Kernel,
        mut plan: BootPlan,
        run: &mut KernelRun,
        tell: &mut dyn FnMut(Progress),
    ) -> BootPlan {
        tell(Progress::Booting(&plan));
        run.boots += 1;
        let done = BootPlan { sessions: Vec::new(), ..plan.clone() };
        let mut live = match Live::up(self, kernel, &plan) {
            Ok(live) => live,
            Err(Failure::Panicked(log)) => {
                self.hurt_at_boot(kernel, &plan, log, StepEnd::GuestDied, run, tell);
                return done;
            }
            Err(Failure::Other(why)) => {
                settle_all(&plan, run, tell, |_| Performance::Failed { why: why.clone() });
                return done;
            }
        };
        run.learn(&live);
        if run.absent.is_some() {
            return plan;
        }
        if live.damage().is_some() {
            let log = live.log.clone();
            self.hurt_at_boot(kernel, &plan, log, StepEnd::CameBack, run, tell);
            return done;
        }
        if let Err(why) = live.prepare(&plan, self) {
            settle_all(&plan, run, tell, |_| Performance::Failed { why: why.clone() });
            return done;
        }
        while !plan.sessions.is_empty() {
            let id = plan.sessions.remove(0);
            let start = Instant::now();
            let (performance, spoiled) = self.run_session(&mut live, &id);
            tell(Progress::Session { session: &id, performance: &performance, time: start.elapsed() });
            run.performances.insert(id, performance);
            if let Some(why) = spoiled {
                tell(Progress::Retired { why: &why, console: &live.console().0 });
                return plan;
            }
        }
        live.down();
        plan
    }

    fn run_session(&self, live: &mut Live, id: &str) -> (Performance, Option<String>) {
        let Some(session) = self.sessions.get(id) else {
            return (Performance::Failed { why: "no such session".into() }, None);
        };
        let lacking = session.needs.iter().find(|need| live.hello.lacks.iter().any(|l| l == need.name()));
        if let Some(need) = lacking {
            return (Performance::Skipped { why: format!("this kernel has no {}", need.name()) }, None);
        }
        if self.sabotage.take() {
            live.abandon_devices();
        }
        match live.perform(session, self) {
            Ok(spoken) => (spoken.performance, spoken.spoiled),
            Err(why) => (Performance::Failed { why }, None),
        }
    }

    /// A kernel that was hurt before its first session: with several sets of devices each gets a
    /// guest of its own, so that the guilty one is found; with one, that is what its sessions show.
    fn hurt_at_boot(
        &self,
        kernel: &Kernel,
        plan: &BootPlan,
        log: Vec<LogLine>,
        end: StepEnd,
        run: &mut KernelRun,
        tell: &mut dyn FnMut(Progress),
    ) {
        let sessions: Vec<_> = plan.sessions.iter().filter_map(|id| self.sessions.get(id)).collect();
        let isolated = plan.isolated(&sessions);
        if isolated.len() > 1 {
            for plan in isolated {
                self.run_boot(kernel, &plan, run, tell);
            }
            return;
        }
        settle_all(plan, run, tell, |id| {
            let step = self.sessions.get(id).and_then(Session::probe_step).unwrap_or(BOOT_STEP);
            Performance::Performed(Box::new(boot_transcript(id, step, &log, end)))
        });
    }

    /// UUID and set version of a profile's Feature.
    pub fn feature(&self, profile: &str, name: &str) -> Option<(Uuid, u8)> {
        let feature = self.profiles.get(profile).ok()?.feature(name)?;
        Some((feature.uuid(), feature.set_version))
    }
}

impl KernelRun {
    /// Takes over what a guest says of its kernel.
    fn learn(&mut self, live: &Live) {
        if self.release.is_empty() {
            self.release = live.hello.release.clone();
            self.absent = live.fwctl_absent();
            let lacks = live.hello.lacks.iter().filter(|l| *l != "fwctl");
            self.not_checked.extend(lacks.map(|l| format!("{l}: this kernel has none")));
            let refused = live.hello.modules_refused.iter();
            self.not_checked.extend(refused.map(|m| format!("module refused: {m}")));
        }
    }
}

fn settle_all(
    plan: &BootPlan,
    run: &mut KernelRun,
    tell: &mut dyn FnMut(Progress),
    performance: impl Fn(&str) -> Performance,
) {
    for id in &plan.sessions {
        let performance = performance(id);
        tell(Progress::Session { session: id, performance: &performance, time: Duration::ZERO });
        run.performances.insert(id.clone(), performance);
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
