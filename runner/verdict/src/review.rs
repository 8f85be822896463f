//! Review: what a kernel gave beside what its session is expected to give, and what accepting it
//! makes of the golden. Decides nothing by itself, and asks nobody.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scrubjay_session::file::{self, FileError};
use scrubjay_session::{Field, Observation, Session, Sessions, Step};

use crate::change::{Change, Changes, Stand};
use crate::explain::{Explained, explain};
use crate::golden::{
    Accepted, AcceptedAs, Alternative, FORMAT, Golden, GoldenStep, Goldens, PENDING, fingerprint,
};
use crate::release::Release;

/// A recording that waits for review, and the golden it would become a part of.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The recording's file.
    pub path: PathBuf,
    /// The golden's file, there or not.
    pub golden_path: PathBuf,
    /// The recording.
    pub recorded: Golden,
    /// The golden.
    pub current: Option<Golden>,
}

/// One step of a recording.
#[derive(Clone, Debug)]
pub struct Reviewed<'a> {
    /// The step's id.
    pub id: &'a str,
    /// What the kernel gave.
    pub seen: &'a Observation,
    /// How it stands to the golden.
    pub standing: Standing<'a>,
}

/// How a recorded step stands to the golden.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing<'a> {
    /// The golden has no such step.
    New,
    /// As the base says.
    AsBase,
    /// As these changes make it.
    AsChanged(&'a [String]),
    /// Explained by nothing.
    Differs {
        /// The nearest that would be accepted.
        accepted: &'a Observation,
        /// The fields that differ from it.
        fields: Vec<Field>,
    },
}

/// What a recording is accepted as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The base: replaces it at every step that nothing explains.
    Base,
    /// One more of the base's allowed values, at every step that nothing explains.
    Also,
    /// What these changes, all of them, make of every step that nothing explains.
    Changed(Vec<String>),
}

/// Why a recording is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// Why.
    pub reason: String,
    /// Commit, thread, or file and function.
    pub reference: String,
}

/// Why a recording cannot be accepted so.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// There is nothing to add to.
    #[error("{path}: session `{session}` has no golden yet; accept it as base")]
    NoGolden {
        /// The recording.
        path: PathBuf,
        /// The session's id.
        session: String,
    },
    /// Nobody said why.
    #[error("{path}: a recording is accepted with a reason and a reference")]
    NoGrounds {
        /// The recording.
        path: PathBuf,
    },
    /// The golden is of an older session.
    #[error("{path}: the golden is of an older form of session `{session}`; accept it as base")]
    Stale {
        /// The recording.
        path: PathBuf,
        /// The session's id.
        session: String,
    },
    /// The kernel it was recorded on has changes that the base is to be without.
    #[error(
        "{path}: recorded on {release}, which carries {}; a base is what a kernel without it gives. Record it on \
         an older kernel, or name each of them in the reason and say why it does not show",
        list(changes)
    )]
    Carries {
        /// The recording.
        path: PathBuf,
        /// The release it was recorded on.
        release: String,
        /// Id of each change and of the first step that it is about.
        changes: Vec<(String, String)>,
    },
    /// A file, or what it would hold.
    #[error(transparent)]
    File(#[from] FileError),
}

fn list(changes: &[(String, String)]) -> String {
    let told: Vec<_> = changes.iter().map(|(id, step)| format!("`{id}` (step `{step}`)")).collect();
    told.join(", ")
}

/// The changes that a kernel of this release carries, that the release which most goldens were recorded on does
/// not, and that a session may show: it has a step of a kind at which goldens have the change. Each with the
/// first such step.
pub fn carried(
    session: &Session,
    release: &str,
    sessions: &Sessions,
    goldens: &Goldens,
    changes: &Changes,
) -> Vec<(String, String)> {
    let (release, usual) = (Release::leading(release), goldens.usual_release().and_then(Release::leading));
    let has = |change: &Change, release: Option<Release>| {
        release.is_some_and(|release| change.at(release) == Stand::Has)
    };
    let newer = |change: &&Change| has(change, release) && !has(change, usual);
    let mut all = Vec::new();
    for change in changes.iter().filter(newer) {
        let kinds = goldens.kinds_with(&change.id, sessions);
        let shows = |step: &&Step| step.action.kinds().iter().any(|kind| kinds.contains(kind));
        all.extend(session.steps.iter().find(shows).map(|step| (change.id.clone(), step.id.clone())));
    }
    all
}

/// Every recording below `dir`, by path.
///
/// # Errors
/// A file that is no golden, of no session, or of an older form of its session.
pub fn pending(dir: &Path, sessions: &Sessions) -> Result<Vec<Pending>, FileError> {
    let paths = file::json_below(dir)?.into_iter();
    paths.filter(|path| stem(path).is_some()).map(|path| Pending::load(&path, sessions)).collect()
}

/// The recordings below `dir` whose session there is not.
///
/// # Errors
/// A directory that cannot be read.
pub fn orphans(dir: &Path, sessions: &Sessions) -> Result<Vec<PathBuf>, FileError> {
    let is_orphan = |path: &PathBuf| stem(path).is_some_and(|id| sessions.get(id).is_none());
    Ok(file::json_below(dir)?.into_iter().filter(is_orphan).collect())
}

/// The session whose recording a path is, if it is one.
fn stem(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(PENDING)
}

impl Pending {
    /// Reads a recording and its golden.
    ///
    /// # Errors
    /// As [`pending`].
    pub fn load(path: &Path, sessions: &Sessions) -> Result<Self, FileError> {
        let recorded: Golden = file::read(path)?;
        let sense = |place: &str, why: String| Err(FileError::sense(path, place, why));
        if recorded.format != FORMAT {
            return sense("format", format!("`{}` is not `{FORMAT}`", recorded.format));
        }
        if stem(path) != Some(&recorded.session) {
            return sense("session", format!("`{}` is not the file's name", recorded.session));
        }
        let Some(session) = sessions.get(&recorded.session) else {
            return sense("session", format!("there is no session `{}`; remove the file", recorded.session));
        };
        let ids: Vec<_> = recorded.steps.iter().map(|step| &step.id).collect();
        if recorded.of != fingerprint(session)
            || ids != session.steps.iter().map(|s| &s.id).collect::<Vec<_>>()
        {
            return sense("of", format!("session `{}` has changed since; record it again", session.id));
        }
        if let Some(i) = recorded.steps.iter().position(|step| step.base.len() != 1) {
            return sense(&format!("steps[{i}].base"), "a recording has one value a step".into());
        }
        let golden_path = path.with_file_name(format!("{}.json", recorded.session));
        let current = golden_path.exists().then(|| file::read(&golden_path)).transpose()?;
        Ok(Pending { path: path.to_owned(), golden_path, recorded, current })
    }

    /// The session's id.
    pub fn session(&self) -> &str {
        &self.recorded.session
    }

    /// Whether the golden is of an older form of the session.
    pub fn is_stale(&self) -> bool {
        self.current.as_ref().is_some_and(|golden| golden.of != self.recorded.of)
    }

    /// Every step, in order. `session` is the one that was recorded.
    pub fn steps(&self, session: &Session) -> Vec<Reviewed<'_>> {
        let steps = session.steps.iter().zip(&self.recorded.steps);
        steps
            .filter_map(|(step, recorded)| {
                let seen = recorded.base.first()?;
                let standing = match self.golden_step(&recorded.id) {
                    None => Standing::New,
                    Some(golden) => match explain(golden, step, seen) {
                        Explained::Base(_) => Standing::AsBase,
                        Explained::With { with, .. } => Standing::AsChanged(with),
                        Explained::Not { accepted, fields } => Standing::Differs { accepted, fields },
                    },
                };
                Some(Reviewed { id: &recorded.id, seen, standing })
            })
            .collect()
    }

    /// What the golden becomes. Steps that are explained stay as they are. What goes into the base
    /// wants grounds, which the golden keeps; what a change gives has those of the change.
    ///
    /// # Errors
    /// No grounds, nothing to add to, a change that there is not, or one that would change nothing.
    pub fn accept(
        &self,
        session: &Session,
        acceptance: &Acceptance,
        grounds: Option<&Grounds>,
        changes: &Changes,
    ) -> Result<Golden, ReviewError> {
        let refused = || (self.path.clone(), session.id.clone());
        if *acceptance != Acceptance::Base {
            if self.current.is_none() {
                let (path, session) = refused();
                return Err(ReviewError::NoGolden { path, session });
            }
            if self.is_stale() {
                let (path, session) = refused();
                return Err(ReviewError::Stale { path, session });
            }
        }
        let how = match acceptance {
            Acceptance::Base => Some(AcceptedAs::Base),
            Acceptance::Also => Some(AcceptedAs::Also),
            Acceptance::Changed(_) => None,
        };
        let grounds = match (how, grounds) {
            (Some(_), None) => return Err(ReviewError::NoGrounds { path: self.path.clone() }),
            (how, grounds) => how.zip(grounds),
        };
        let mut replaced = self.current.is_none();
        let mut touched = Vec::new();
        let steps: Vec<_> = self
            .steps(session)
            .into_iter()
            .map(|reviewed| {
                let old = self.golden_step(reviewed.id);
                match (reviewed.standing, old) {
                    (Standing::AsBase | Standing::AsChanged(_), Some(old)) => old.clone(),
                    (_, old) => {
                        replaced |= *acceptance == Acceptance::Base;
                        touched.push(reviewed.id.to_owned());
                        // What an older form of the session gave with a change says nothing of this one.
                        let old = old.filter(|_| !self.is_stale());
                        with(old, reviewed.id, tidy(reviewed.seen), acceptance)
                    }
                }
            })
            .collect();
        let kept = self.current.as_ref().filter(|_| !replaced).map(|golden| golden.recorded.clone());
        let mut why = self.reasons_kept(session);
        if let Some((how, grounds)) = grounds.filter(|_| !touched.is_empty()) {
            why.push(Accepted {
                how,
                recorded: self.recorded.recorded.clone(),
                steps: if self.current.is_none() { Vec::new() } else { touched },
                reason: grounds.reason.clone(),
                reference: grounds.reference.clone(),
            });
        }
        let golden = Golden {
            format: FORMAT.to_owned(),
            session: session.id.clone(),
            of: self.recorded.of.clone(),
            recorded: kept.unwrap_or_else(|| self.recorded.recorded.clone()),
            steps,
            why,
        };
        golden.check(&self.golden_path, session, changes)?;
        Ok(golden)
    }

    /// Refuses a base that the recording kernel's changes may have made, unless the reason speaks of each of them.
    /// `carried` is what [`carried`] gives.
    ///
    /// # Errors
    /// The changes, and the remedy.
    pub fn check_age(
        &self,
        grounds: Option<&Grounds>,
        carried: Vec<(String, String)>,
    ) -> Result<(), ReviewError> {
        let spoken_of = |id: &str| grounds.is_some_and(|grounds| grounds.reason.contains(id));
        let changes: Vec<_> = carried.into_iter().filter(|(id, _)| !spoken_of(id)).collect();
        match changes.is_empty() {
            true => Ok(()),
            false => Err(ReviewError::Carries {
                path: self.path.clone(),
                release: self.recorded.recorded.clone(),
                changes,
            }),
        }
    }

    /// Writes what the golden has become, with a change that is new, and removes the recording.
    ///
    /// # Errors
    /// A file that cannot be written; then the golden and the changes are as before.
    pub fn settle(&self, golden: &Golden, new: Option<(&Path, &Change)>) -> Result<(), ReviewError> {
        if let Some((path, change)) = new {
            change.check(path)?;
            file::write(path, change)?;
        }
        if let Err(error) = file::write(&self.golden_path, golden) {
            if let Some((path, _)) = new {
                let _ = fs::remove_file(path);
            }
            return Err(error.into());
        }
        self.reject()
    }

    /// Removes the recording.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn reject(&self) -> Result<(), ReviewError> {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(FileError::Io { path: self.path.clone(), source }.into())
            }
            _ => Ok(()),
        }
    }

    /// Why the golden so far is what it is, as far as the session still has the steps.
    fn reasons_kept(&self, session: &Session) -> Vec<Accepted> {
        let mut why = self.current.as_ref().map(|golden| golden.why.clone()).unwrap_or_default();
        why.retain_mut(|accepted| {
            let of_all = accepted.steps.is_empty();
            accepted.steps.retain(|id| session.steps.iter().any(|step| step.id == *id));
            of_all || !accepted.steps.is_empty()
        });
        why
    }

    fn golden_step(&self, id: &str) -> Option<&GoldenStep> {
        self.current.as_ref()?.steps.iter().find(|step| step.id == id)
    }
}

/// A step that takes in what nothing explained.
fn with(old: Option<&GoldenStep>, id: &str, seen: Observation, acceptance: &Acceptance) -> GoldenStep {
    let mut step = old.cloned().unwrap_or_else(|| GoldenStep {
        id: id.to_owned(),
        base: Vec::new(),
        changes: Vec::new(),
        defect: None,
    });
    match acceptance {
        Acceptance::Base => step.base = vec![seen],
        Acceptance::Also => step.base.push(seen),
        Acceptance::Changed(ids) => {
            let same = |alternative: &&mut Alternative| {
                alternative.with.len() == ids.len() && alternative.with.iter().all(|id| ids.contains(id))
            };
            match step.changes.iter_mut().find(same) {
                Some(alternative) => alternative.seen.push(seen),
                None => step.changes.push(Alternative { with: ids.clone(), seen: vec![seen] }),
            }
        }
    }
    step
}

/// An observation without what is never compared: a golden holds no times.
fn tidy(observation: &Observation) -> Observation {
    let mut tidied = observation.clone();
    for seen in tidied.branches.iter_mut().flat_map(|branch| &mut branch.steps) {
        seen.aside = Default::default();
        seen.observation = tidy(&seen.observation);
    }
    tidied
}

#[cfg(test)]
mod tests;
