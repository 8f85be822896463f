//! Runs mutants: builds the module of each, boots the kernel with it, judges the suite.
//!
//! The next mutant's module is built while the present one's sessions run.

use scrubjay_verdict::rule::id;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use scrubjay_check::{Check, Target};
use scrubjay_kernels::{Image, Manifest, Silent, Workshop, WorkshopError};
use scrubjay_session::modules_refused;
use scrubjay_session::{Boot, Session};
use scrubjay_verdict::KernelVerdict;

use crate::apply::{ApplyError, apply};
use crate::outcome::{Outcome, place};
use crate::seeds::Seeds;

/// Built mutants that wait for their run.
const AHEAD: usize = 1;

/// What came of one mutant on one kernel.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Its id, or those of a pair.
    pub mutant: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How long the patch and the module took.
    pub build: Duration,
    /// How long boots and sessions took.
    pub run: Duration,
}

impl Trial {
    /// Whether guests were booted for it.
    pub fn was_run(&self) -> bool {
        !matches!(self.outcome, Outcome::Excluded { .. } | Outcome::Error { .. })
    }
}

/// Why mutants cannot be told from their kernel.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Its modules could not be built.
    #[error("the modules of kernel {kernel} cannot be rebuilt")]
    Build {
        /// The kernel.
        kernel: String,
        /// Why.
        source: WorkshopError,
    },
    /// It is not as expected even without a mutant.
    #[error("kernel {kernel} is not clean without a mutant, so nothing could be said of one:\n{}", what.join("\n"))]
    NotClean {
        /// The kernel.
        kernel: String,
        /// Each finding and each failure.
        what: Vec<String>,
    },
}

/// Why a mutant is an error.
#[derive(Debug, thiserror::Error)]
enum BuildError {
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
}

/// Everything that mutants of one kernel are tried with.
pub struct Trials<'a> {
    /// Runs sessions and judges them.
    pub check: &'a Check<'a>,
    /// The kernel.
    pub manifest: &'a Manifest,
    /// Builds its modules.
    pub workshop: &'a Workshop,
}

impl Trials<'_> {
    /// Runs the kernel with all its modules built anew and unchanged, on every session that one of `seeds` is tried
    /// with. Gives how long that took.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn control(&self, seeds: &[Seeds]) -> Result<Duration, ControlError> {
        let kernel = || self.manifest.id.clone();
        let image = self
            .workshop
            .unchanged(&mut Silent)
            .map_err(|source| ControlError::Build { kernel: kernel(), source })?;
        let tried = seeds.iter().filter(|seeds| self.excluded(seeds).is_none());
        let sessions = self.sessions(tried.flat_map(Seeds::sessions));
        let start = Instant::now();
        let (run, verdict) = self.perform(&image, &sessions);
        let mut what: Vec<String> =
            verdict.all_findings().filter(|f| f.rule != id::KNOWN_DAMAGE).map(place).collect();
        let failed =
            |s: &scrubjay_verdict::SessionVerdict| Some(format!("{}: {}", s.session, s.error.as_ref()?));
        what.extend(verdict.sessions.iter().filter_map(failed));
        what.extend(modules_refused(&run.not_checked).cloned());
        if what.is_empty() {
            Ok(start.elapsed())
        } else {
            Err(ControlError::NotClean { kernel: kernel(), what })
        }
    }

    /// Tries them in their order; tells of each as soon as it is judged, with the verdict where guests booted.
    pub fn run(&self, seeds: &[Seeds], tell: &mut dyn FnMut(&Trial, Option<&KernelVerdict>)) -> Vec<Trial> {
        let (sender, built) = sync_channel(AHEAD);
        thread::scope(|scope| {
            scope.spawn(move || {
                for seeds in seeds {
                    let start = Instant::now();
                    let image = match self.excluded(seeds) {
                        Some(why) => Err(Outcome::Excluded { why }),
                        None => self.build(seeds).map_err(|error| Outcome::Error { why: error.to_string() }),
                    };
                    if sender.send((seeds, image, start.elapsed())).is_err() {
                        return;
                    }
                }
            });
            let mut trials = Vec::new();
            for (seeds, image, build) in built {
                let start = Instant::now();
                let (outcome, verdict) = match image {
                    Ok(image) => {
                        let (run, verdict) = self.perform(&image, &self.sessions(seeds.sessions()));
                        (seeds.outcome(&run, &verdict), Some(verdict))
                    }
                    Err(outcome) => (outcome, None),
                };
                let trial = Trial { mutant: seeds.id(), outcome, build, run: start.elapsed() };
                tell(&trial, verdict.as_ref());
                trials.push(trial);
            }
            trials
        })
    }

    /// The sessions of the shared boots, and those named.
    fn sessions<'s>(&self, own: impl IntoIterator<Item = &'s String>) -> Vec<&Session> {
        let own: BTreeSet<&str> = own.into_iter().map(String::as_str).collect();
        let sessions = self.check.library.sessions.iter();
        sessions.filter(|session| is_shared(session) || own.contains(session.id.as_str())).collect()
    }

    fn excluded(&self, seeds: &Seeds) -> Option<String> {
        seeds.excluded_from(self.manifest.history.release)
    }

    fn build(&self, seeds: &Seeds) -> Result<Image, BuildError> {
        let mut changed = BTreeMap::new();
        for (file, mutants) in seeds.by_file() {
            let mut text = self.workshop.source(file)?;
            for mutant in mutants {
                text = apply(&mutant.path, file, &text)?;
            }
            changed.insert(file.clone(), text);
        }
        Ok(self.workshop.all_changed(&changed, &mut Silent)?)
    }

    fn perform(&self, image: &Image, sessions: &[&Session]) -> (scrubjay_engine::KernelRun, KernelVerdict) {
        let target = Target::new(self.manifest, image);
        let stands = |id: &str, performance: &_| self.check.stands(&target, id, performance);
        let run = self.check.lab.run_judged(&target.kernel, sessions, &stands, &mut |_| {});
        let verdict = self.check.judge_run(&target, &run, &|_| {});
        (run, verdict)
    }
}

/// Whether a session is in the two boots that every mutant is tried in: what needs a guest or devices of its
/// own, may hurt the kernel or wants another command line would make each mutant's boots more or longer.
fn is_shared(session: &Session) -> bool {
    matches!(session.boot, Boot::Clean | Boot::Tainting)
        && session.command_line.is_empty()
        && !session.spoils_guest()
        && !session.spoils_devices()
}
