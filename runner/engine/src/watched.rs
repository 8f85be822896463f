//! Guests with a watch held to them: the same boots and sessions as everywhere, and how long each part
//! took. For benchmarks; judges nothing.

use std::time::{Duration, Instant};

use scrubjay_machine::{BootError, Death, Guest, GuestError, bare};
use scrubjay_session::{Performance, Session};

use crate::causes::with_causes;
use crate::guest::{Failure, Live, Parts, Rise, Tries};
use crate::plan::BootPlan;
use crate::setup::{Kernel, Lab};

/// Why a part of a guest's life could not be timed.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The guest did not come up.
    #[error("boot `{plan}`: {why}")]
    Boot {
        /// The plan's name.
        plan: String,
        /// Why.
        why: String,
    },
    /// A session could not be performed.
    #[error("session `{session}`: {why}")]
    Session {
        /// Its id.
        session: String,
        /// Why.
        why: String,
    },
}

/// A guest that is up, and when what happened.
pub struct Watched<'a> {
    lab: &'a Lab<'a>,
    live: Live,
    start: Instant,
}

/// How long a guest's life took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Laps {
    /// The servers of the devices.
    pub devices: Duration,
    /// QEMU, its firmware and the unpacking of the kernel, until the kernel's first word.
    pub firmware: Duration,
    /// The kernel, until the agent's first word.
    pub kernel: Duration,
    /// Until every device had come up as far as its profile says.
    pub settle: Duration,
    /// All sessions, with what prepared the guest for them.
    pub sessions: Duration,
    /// Until nothing of it was left.
    pub end: Duration,
    /// All of it.
    pub whole: Duration,
}

/// What a session gave, and how long it took.
pub struct Lap {
    /// What it gave.
    pub performance: Performance,
    /// Whether the guest can serve another.
    pub spoiled: bool,
    /// How long it took.
    pub time: Duration,
}

impl<'a> Watched<'a> {
    /// Boots a guest for a plan and prepares it for the plan's sessions.
    ///
    /// # Errors
    /// Why it did not come up.
    pub fn up(lab: &'a Lab<'a>, kernel: &Kernel, plan: &BootPlan) -> Result<Self, WatchError> {
        let failed = |why: String| WatchError::Boot { plan: plan.name(), why };
        let start = Instant::now();
        let mut live = Live::up(lab, kernel, plan, None, 1, &mut Tries::default()).map_err(|fallen| {
            match fallen.why {
                Failure::Panicked(log) => {
                    failed(log.first().map_or("the kernel panicked".to_owned(), |line| line.text.clone()))
                }
                Failure::Silent(why) | Failure::Other(why) => failed(why),
            }
        })?;
        live.prepare(plan, lab).map_err(failed)?;
        Ok(Watched { lab, live, start })
    }

    /// Performs a session, which need not be one of the plan's; `None` where the kernel lacks what it needs.
    ///
    /// # Errors
    /// Why it could not be performed.
    pub fn perform(&mut self, session: &Session) -> Result<Option<Lap>, WatchError> {
        if session.needs.iter().any(|need| self.live.hello.lacks.contains(&need.lack())) {
            return Ok(None);
        }
        let start = Instant::now();
        let failed = |why| WatchError::Session { session: session.id.clone(), why };
        let spoken = self.live.perform(session, self.lab).map_err(failed)?;
        if let Performance::Failed { why } = spoken.performance {
            return Err(failed(why));
        }
        let spoiled = spoken.spoiled.is_some();
        Ok(Some(Lap { performance: spoken.performance, spoiled, time: start.elapsed() }))
    }

    /// `uname -r`.
    pub fn release(&self) -> &str {
        &self.live.hello.release
    }

    /// vfio-user messages that the servers of its devices have answered so far.
    pub fn messages(&self) -> u64 {
        self.live.messages()
    }

    /// Ends it as a run would.
    pub fn down(self) -> Laps {
        let Rise { devices, firmware, kernel, settle } = self.live.rise;
        let up = devices + firmware + kernel + settle;
        let sessions = self.start.elapsed().saturating_sub(up);
        drop(self.live);
        let whole = self.start.elapsed();
        let end = whole.saturating_sub(up + sessions);
        Laps { devices, firmware, kernel, settle, sessions, end, whole }
    }
}

/// Boots the guest of a plan, its devices served as always, to a PID 1 that powers off at once; how long
/// that takes from the first server's start until nothing is left.
///
/// # Errors
/// What happened instead.
pub fn bare_boot(lab: &Lab, kernel: &Kernel, plan: &BootPlan) -> Result<Duration, WatchError> {
    let failed = |why: String| WatchError::Boot { plan: plan.name(), why };
    let start = Instant::now();
    let Parts { dir, bank, mut spec, time: _ } = Parts::new(lab, kernel, plan, 1).map_err(failed)?;
    spec.init = bare::power_off().into();
    match Guest::boot(lab.qemu, &spec, &kernel.deadlines(lab.accel, lab.vcpus)) {
        Err(BootError::Guest { source, .. })
            if matches!(*source, GuestError::Died { death: Death::PoweredOff, .. }) => {}
        Err(error) => return Err(failed(with_causes(&error))),
        Ok(_) => return Err(failed("the agent spoke where nothing but a power-off was to be".to_owned())),
    }
    drop(bank);
    drop(dir);
    Ok(start.elapsed())
}
