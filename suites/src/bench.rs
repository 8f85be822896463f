//! What the trials of one kernel stand on: boots sessions, judges what they gave, and leaves that for other trials.

use std::collections::BTreeSet;
use std::thread::available_parallelism;

use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::tz::Offset;
use scrubjay_check::{Check, Target};
use scrubjay_engine::{Lab, plan};
use scrubjay_kernels::Catalogue;
use scrubjay_machine::{MOST_DEVICES, Qemu, accel};
use scrubjay_session::Session;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{KernelVerdict, Library, Policy, SessionVerdict, Severity, Status, Waivers};

use crate::matrix::{self, Member};
use crate::store::Store;

/// What the trials of one kernel stand on.
pub struct Bench {
    library: Library,
    target: Target,
    waivers: Waivers,
    qemu: Qemu,
    accel: accel::Choice,
}

impl Bench {
    /// The bench of the default kernel.
    ///
    /// # Errors
    /// As [`Bench::new`].
    pub fn of_the_default() -> anyhow::Result<Self> {
        Bench::new(&matrix::member(matrix::DEFAULT)?)
    }

    /// Reads the vectors, finds QEMU and the kernel, building it if need be.
    ///
    /// # Errors
    /// Whatever is missing or wrong: never a skip.
    pub fn new(member: &Member) -> anyhow::Result<Self> {
        scrubjay_host::interrupt::cleanup_on_signals()?;
        let library = Library::load(&matrix::root())?;
        let catalogue = Catalogue::load(&matrix::root().join("kernels"))?;
        let is_kernel = |id: &str| catalogue.get(id).is_ok();
        let today = Offset::UTC.to_datetime(Timestamp::now()).date();
        let waivers = Waivers::load_default(&matrix::root(), today, &library.sessions, &is_kernel)?;
        let image = member.image()?;
        let qemu = Qemu::find()?;
        let accel = accel::choose(&qemu, &image.bzimage)?;
        Ok(Bench { library, target: Target::new(&member.manifest, &image), waivers, qemu, accel })
    }

    /// The vectors.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// What sessions are run with.
    pub fn lab(&self) -> Lab<'_> {
        Lab {
            qemu: &self.qemu,
            accel: self.accel.accel,
            vcpus: 2,
            // cargo-nextest runs trials at the same time already.
            guests: 1,
            // Each process runs one plan: to keep a guest would be a boot more.
            keep: false,
            thorough: false,
            until: None,
            profiles: &self.library.profiles,
            sessions: &self.library.sessions,
            sabotage: Default::default(),
        }
    }

    /// The kernel.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Performs sessions and judges them, and leaves what they came to for the other trials of this run.
    fn check(&self, lab: &Lab, sessions: &[&Session]) -> anyhow::Result<KernelVerdict> {
        let check = Check {
            library: &self.library,
            lab,
            first: &BTreeSet::new(),
            shuffle: None,
            policy: Policy::default(),
            own: None,
            waivers: &self.waivers,
            against: None,
        };
        let verdict = check.run(&self.target, sessions, &mut |_| {});
        Store::of_this_run().keep(&self.target.kernel.id, &verdict.sessions)?;
        Ok(verdict)
    }

    /// What a session came to: performed together with those that share its boot, unless another trial did that.
    ///
    /// # Errors
    /// What was found, or why it could not be tested.
    pub fn session(&self, session: &str) -> anyhow::Result<()> {
        let (store, kernel) = (Store::of_this_run(), &self.target.kernel.id);
        let plans = plan(&self.library.sessions.iter().collect::<Vec<_>>(), MOST_DEVICES);
        let shared = plans.iter().find(|p| p.sessions.iter().any(|s| s == session));
        let shared = shared.context("in no boot plan")?;
        let _others_wait = store.lock(kernel, &shared.name())?;
        if let Some(verdict) = store.verdict(kernel, session)? {
            return stands(&verdict);
        }
        let sessions: Vec<_> =
            shared.sessions.iter().filter_map(|id| self.library.sessions.get(id)).collect();
        let verdict = self.check(&self.lab(), &sessions)?;
        let mut judged = verdict.sessions.iter();
        stands(judged.find(|judged| judged.session == session).context("the boot gave no result for it")?)
    }

    /// Performs every session and judges the kernel as a whole: whether it has fwctl as expected, and its place in the
    /// history.
    ///
    /// # Errors
    /// What was found.
    pub fn whole(&self) -> anyhow::Result<()> {
        // As `scrubjay check` has it: a guest also waits.
        let guests = available_parallelism().map_or(1, usize::from) + 2;
        let lab = Lab { guests, keep: true, ..self.lab() };
        let verdict = self.check(&lab, &self.library.sessions.iter().collect::<Vec<_>>())?;
        let heavy = |s: Severity| s >= Severity::Warn;
        let found: Vec<_> = verdict
            .findings
            .iter()
            .filter(|f| f.waived.is_none() && heavy(f.severity.under(Policy::default())))
            .collect();
        let absent = verdict.findings.iter().any(|f| f.rule == id::FWCTL_ABSENT);
        match (found.is_empty(), &self.target.expectation.absent, absent) {
            (false, ..) => bail!("{found:#?}"),
            (true, Some(reason), false) => {
                bail!("fwctl is here, and the manifest says it is not: {reason}")
            }
            _ => Ok(()),
        }
    }
}

/// Whether a session passed.
///
/// # Errors
/// What was found, or why it could not be tested. A session that was skipped is an error too:
/// whoever lists trials has to leave it out, with the reason.
pub fn stands(verdict: &SessionVerdict) -> anyhow::Result<()> {
    match verdict.status(Policy::default()) {
        Status::Pass | Status::Waived => Ok(()),
        Status::Skip => bail!("skipped: {}", verdict.skipped.as_deref().unwrap_or_default()),
        Status::Error => match &verdict.error {
            Some(why) => bail!("{why}"),
            None => bail!("{:#?}", verdict.findings),
        },
        Status::Break => bail!("{:#?}", verdict.findings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_skipped_or_could_not_be_tested_does_not_pass() {
        let passed = SessionVerdict::new("s");
        let why = || Some("w".to_owned());
        let skipped = SessionVerdict { skipped: why(), ..passed.clone() };
        let error = SessionVerdict { error: why(), ..passed.clone() };
        let told = |verdict| stands(verdict).map_err(|e| e.to_string());
        assert_eq!(told(&passed), Ok(()));
        assert_eq!(told(&skipped), Err("skipped: w".into()));
        assert_eq!(told(&error), Err("w".into()));
    }
}
