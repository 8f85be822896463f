//! Runs a boot once for all the trials that need it, and judges what it gave.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::tz::Offset;
use scrubjay_check::{Check, Target};
use scrubjay_engine::store::{Store, Stored};
use scrubjay_engine::{BootPlan, KernelRun, Lab, plan};
use scrubjay_kernels::{Catalogue, Manifest};
use scrubjay_machine::{MOST_DEVICES, Qemu, accel};
use scrubjay_session::{Performance, Session};
use scrubjay_verdict::{Library, Policy, Severity, Status, Waivers};

use crate::matrix;

/// Results of earlier runs are kept so long.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What the trials of one kernel stand on.
pub struct Bench {
    library: Library,
    target: Target,
    waivers: Waivers,
    qemu: Qemu,
    accel: accel::Choice,
}

/// The run that this process belongs to: all trials of one `cargo nextest run`, or this process alone.
fn run_id() -> String {
    std::env::var("NEXTEST_RUN_ID").unwrap_or_else(|_| format!("process-{}", std::process::id()))
}

/// Which attempt this is, from 1.
fn attempt() -> u32 {
    std::env::var("NEXTEST_ATTEMPT").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// The directory that holds the results of runs; those of old ones are removed.
fn runs() -> PathBuf {
    let dir = matrix::root().join("target").join("scrubjay-runs");
    for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
        let age = entry
            .metadata()
            .and_then(|m| m.modified())
            .ok()
            .and_then(|t| SystemTime::now().duration_since(t).ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    dir
}

impl Bench {
    /// The bench of the default kernel, which has to be in the matrix.
    ///
    /// # Errors
    /// As [`Bench::new`].
    pub fn of_the_default() -> anyhow::Result<Self> {
        let members = matrix::members()?;
        let default = members.iter().find(|member| member.manifest.id == matrix::DEFAULT);
        Bench::new(&default.context("the default kernel is not in the matrix")?.manifest)
    }

    /// Reads the vectors, finds QEMU and the kernel, building it if need be.
    ///
    /// # Errors
    /// Whatever is missing or wrong: never a skip.
    pub fn new(manifest: &Manifest) -> anyhow::Result<Self> {
        scrubjay_host::interrupt::cleanup_on_signals()?;
        let library = Library::load(&matrix::root())?;
        let catalogue = Catalogue::load(&matrix::root().join("kernels"))?;
        let is_kernel = |id: &str| catalogue.get(id).is_ok();
        let today = Offset::UTC.to_datetime(Timestamp::now()).date();
        let waivers = Waivers::load_default(&matrix::root(), today, &library.sessions, &is_kernel)?;
        let image = matrix::image(manifest)?;
        let qemu = Qemu::find()?;
        let accel = accel::choose(&qemu, &image.bzimage)?;
        Ok(Bench { library, target: Target::new(manifest, &image), waivers, qemu, accel })
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
            profiles: &self.library.profiles,
            sessions: &self.library.sessions,
            sabotage: Default::default(),
        }
    }

    fn check<'a>(&'a self, lab: &'a Lab) -> Check<'a> {
        Check {
            library: &self.library,
            lab,
            shuffle: None,
            policy: Policy::default(),
            waivers: &self.waivers,
            against: None,
        }
    }

    /// The kernel.
    pub fn target(&self) -> &Target {
        &self.target
    }

    fn plans(&self) -> Vec<BootPlan> {
        plan(&self.library.sessions.iter().collect::<Vec<_>>(), MOST_DEVICES)
    }

    /// The results of a boot, made by the first who asks.
    fn boot(&self, store: &Store, plan: &BootPlan, name: &str) -> anyhow::Result<Stored> {
        let lab = self.lab();
        let check = self.check(&lab);
        let stands = |id: &str, performance: &Performance| check.stands(&self.target, id, performance);
        let run = || lab.run_plans(&self.target.kernel, std::slice::from_ref(plan), &stands, &mut |_| {});
        Ok(store.boot(&format!("{}-{name}", self.target.kernel.id), run)?)
    }

    /// Performs a session, together with those that share its boot, and judges it.
    ///
    /// # Errors
    /// What was found, or why it could not be tested. A session that was skipped is an error too:
    /// whoever lists trials has to leave it out, with the reason.
    pub fn session(&self, session: &Session) -> anyhow::Result<()> {
        let plans = self.plans();
        let shared = plans.iter().find(|p| p.sessions.contains(&session.id)).context("in no boot plan")?;
        let store = Store::new(&runs(), &run_id());
        let stored = match attempt() {
            1 => self.boot(&store, shared, &shared.name())?,
            // A retry boots anew, for this session alone.
            n => {
                let alone = plan(&[session], MOST_DEVICES);
                self.boot(&store, &alone[0], &format!("{}-attempt-{n}", session.id))?
            }
        };
        let performance = stored.performances.get(&session.id).context("the boot gave no result for it")?;
        let lab = self.lab();
        let check = self.check(&lab);
        let verdict = check.judge_one(&self.target, &session.id, performance);
        match verdict.status(Policy::default()) {
            Status::Pass | Status::Waived => Ok(()),
            Status::Skip => bail!("skipped: {}", verdict.skipped.unwrap_or_default()),
            Status::Error => bail!("{}", verdict.error.unwrap_or_else(|| format!("{:#?}", verdict.findings))),
            Status::Break => bail!("{:#?}", verdict.findings),
        }
    }

    /// Judges the kernel as a whole: whether it has fwctl as expected, and its place in the history.
    ///
    /// # Errors
    /// What was found.
    pub fn whole(&self) -> anyhow::Result<()> {
        let store = Store::new(&runs(), &run_id());
        let mut run = KernelRun::default();
        for plan in self.plans() {
            let stored = self.boot(&store, &plan, &plan.name())?;
            run.release = stored.release;
            run.absent = run.absent.or(stored.absent);
            run.performances.extend(stored.performances);
            if run.absent.is_some() {
                break;
            }
        }
        let lab = self.lab();
        let check = self.check(&lab);
        let verdict = check.judge_run(&self.target, &run, &|_| {});
        let heavy = |s: Severity| s >= Severity::Warn;
        let found: Vec<_> = verdict
            .findings
            .iter()
            .filter(|f| f.waived.is_none() && heavy(f.severity.under(Policy::default())))
            .collect();
        match (found.is_empty(), &self.target.expectation.absent, &run.absent) {
            (false, ..) => bail!("{found:#?}"),
            (true, Some(reason), None) => bail!("fwctl is here, and the manifest says it is not: {reason}"),
            _ => Ok(()),
        }
    }
}
