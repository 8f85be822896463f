//! Review: what a kernel gave beside what its session is expected to give, and what accepting it
//! makes of the golden. Decides nothing by itself, and asks nobody.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scrubjay_session::file::{self, FileError};
use scrubjay_session::{Field, Observation, Session, Sessions};

use crate::change::{Change, Changes};
use crate::explain::{Explained, explain};
use crate::golden::{Alternative, FORMAT, Golden, GoldenStep, PENDING, fingerprint};

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
    /// The golden is of an older session.
    #[error("{path}: the golden is of an older form of session `{session}`; accept it as base")]
    Stale {
        /// The recording.
        path: PathBuf,
        /// The session's id.
        session: String,
    },
    /// A file, or what it would hold.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Every recording below `dir`, by path.
///
/// # Errors
/// A file that is no golden, of no session, or of an older form of its session.
pub fn pending(dir: &Path, sessions: &Sessions) -> Result<Vec<Pending>, FileError> {
    let paths = file::json_below(dir)?.into_iter();
    paths.filter(|path| stem(path).is_some()).map(|path| Pending::load(&path, sessions)).collect()
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
                        Explained::With(with) => Standing::AsChanged(with),
                        Explained::Not { accepted, fields } => Standing::Differs { accepted, fields },
                    },
                };
                Some(Reviewed { id: &recorded.id, seen, standing })
            })
            .collect()
    }

    /// What the golden becomes. Steps that are explained stay as they are.
    ///
    /// # Errors
    /// Nothing to add to, a change that there is not, or one that would change nothing.
    pub fn accept(
        &self,
        session: &Session,
        acceptance: &Acceptance,
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
        let mut replaced = self.current.is_none();
        let steps = self
            .steps(session)
            .into_iter()
            .map(|reviewed| {
                let old = self.golden_step(reviewed.id);
                match (reviewed.standing, old) {
                    (Standing::AsBase | Standing::AsChanged(_), Some(old)) => old.clone(),
                    (_, old) => {
                        replaced |= *acceptance == Acceptance::Base;
                        // What an older form of the session gave with a change says nothing of this one.
                        let old = old.filter(|_| !self.is_stale());
                        with(old, reviewed.id, tidy(reviewed.seen), acceptance)
                    }
                }
            })
            .collect();
        let kept = self.current.as_ref().filter(|_| !replaced).map(|golden| golden.recorded.clone());
        let golden = Golden {
            format: FORMAT.to_owned(),
            session: session.id.clone(),
            of: self.recorded.of.clone(),
            recorded: kept.unwrap_or_else(|| self.recorded.recorded.clone()),
            steps,
        };
        golden.check(&self.golden_path, session, changes)?;
        Ok(golden)
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
mod tests {
    use rstest::rstest;
    use scrubjay_session::session;
    use serde_json::json;

    use super::*;
    use crate::change;

    /// A directory with a session of two steps.
    struct Desk {
        dir: tempfile::TempDir,
        sessions: Sessions,
        changes: Changes,
    }

    impl Desk {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let steps = json!([{"id": "open", "do": {"open": {}}}, {"id": "info", "do": {"info": {}}}]);
            let session = json!({
                "format": session::FORMAT, "id": "s", "title": "t", "devices": ["vendor"],
                "promise": "C01", "steps": steps,
            });
            file::write(&dir.path().join("sessions/s.json"), &session).unwrap();
            let mut changes = Changes::default();
            changes.insert(change("known"));
            let sessions = Sessions::load(&dir.path().join("sessions")).unwrap();
            Desk { dir, sessions, changes }
        }

        fn session(&self) -> &Session {
            self.sessions.get("s").unwrap()
        }

        fn goldens(&self) -> PathBuf {
            self.dir.path().join("goldens")
        }

        fn golden(&self, release: &str, info: &str) -> Golden {
            let step = |id: &str, errno: &str| GoldenStep {
                id: id.into(),
                base: vec![observation(errno)],
                changes: Vec::new(),
                defect: None,
            };
            Golden {
                format: FORMAT.into(),
                session: "s".into(),
                of: fingerprint(self.session()),
                recorded: release.into(),
                steps: vec![step("open", "ok"), step("info", info)],
            }
        }

        /// A recording on 7.2 where `info` gave this.
        fn recorded(&self, info: &str) -> Pending {
            let path = self.goldens().join(format!("a/s{PENDING}"));
            file::write(&path, &self.golden("7.2.1", info)).unwrap();
            let mut all = pending(&self.goldens(), &self.sessions).unwrap();
            assert_eq!(all.len(), 1);
            all.remove(0)
        }

        /// Has a golden of 7.1 where `info` gave this.
        fn keep(&self, info: &str) {
            file::write(&self.goldens().join("a/s.json"), &self.golden("7.1.1", info)).unwrap();
        }
    }

    fn observation(errno: &str) -> Observation {
        Observation { errno: errno.into(), ..Observation::default() }
    }

    fn change(id: &str) -> Change {
        Change {
            format: change::FORMAT.into(),
            id: id.into(),
            title: "t".into(),
            since: "7.2".into(),
            reason: "r".into(),
            reference: "r".into(),
            promise: "C01".into(),
            first_seen: "7.2.1".into(),
        }
    }

    fn changed(id: &str) -> Acceptance {
        Acceptance::Changed(vec![id.into()])
    }

    #[test]
    fn a_first_recording_becomes_the_golden() {
        let desk = Desk::new();
        let pending = desk.recorded("ok");
        assert!(pending.steps(desk.session()).iter().all(|step| step.standing == Standing::New));
        let golden = pending.accept(desk.session(), &Acceptance::Base, &desk.changes).unwrap();
        pending.settle(&golden, None).unwrap();
        assert!(!pending.path.exists());
        assert_eq!(file::read::<Golden>(&pending.golden_path).unwrap(), pending.recorded);
    }

    #[test]
    fn a_change_is_added_where_nothing_explains_and_nowhere_else() {
        let desk = Desk::new();
        desk.keep("ok");
        let pending = desk.recorded("EINVAL");
        let golden = pending.accept(desk.session(), &changed("known"), &desk.changes).unwrap();
        assert_eq!(golden.recorded, "7.1.1");
        assert_eq!(golden.steps[0], pending.current.as_ref().unwrap().steps[0]);
        assert_eq!(golden.steps[1].base, [observation("ok")]);
        let alternative = Alternative { with: vec!["known".into()], seen: vec![observation("EINVAL")] };
        assert_eq!(golden.steps[1].changes, [alternative]);
    }

    #[test]
    fn what_a_change_explains_is_left_as_it_is() {
        let desk = Desk::new();
        desk.keep("ok");
        let first = desk.recorded("EINVAL");
        let golden = first.accept(desk.session(), &changed("known"), &desk.changes).unwrap();
        first.settle(&golden, None).unwrap();
        let again = desk.recorded("EINVAL");
        let steps = again.steps(desk.session());
        assert_eq!(steps[1].standing, Standing::AsChanged(&["known".to_owned()]));
        for acceptance in [Acceptance::Base, Acceptance::Also, changed("known")] {
            assert_eq!(again.accept(desk.session(), &acceptance, &desk.changes).unwrap(), golden);
        }
    }

    #[rstest]
    #[case::base(Acceptance::Base, &["EINVAL"], 0, "7.2.1")]
    #[case::also(Acceptance::Also, &["ok", "EINVAL"], 0, "7.1.1")]
    #[case::change(changed("known"), &["ok"], 1, "7.1.1")]
    fn each_acceptance_makes_its_own_golden(
        #[case] acceptance: Acceptance,
        #[case] base: &[&str],
        #[case] changes: usize,
        #[case] recorded: &str,
    ) {
        let desk = Desk::new();
        desk.keep("ok");
        let pending = desk.recorded("EINVAL");
        let golden = pending.accept(desk.session(), &acceptance, &desk.changes).unwrap();
        let errnos: Vec<_> = golden.steps[1].base.iter().map(|o| o.errno.as_str()).collect();
        assert_eq!((errnos.as_slice(), golden.steps[1].changes.len()), (base, changes));
        assert_eq!(golden.recorded, recorded);
    }

    #[test]
    fn a_new_base_keeps_the_changes_of_its_step() {
        let desk = Desk::new();
        desk.keep("ok");
        let first = desk.recorded("EINVAL");
        let golden = first.accept(desk.session(), &changed("known"), &desk.changes).unwrap();
        first.settle(&golden, None).unwrap();
        let golden = desk.recorded("EPERM").accept(desk.session(), &Acceptance::Base, &desk.changes).unwrap();
        assert_eq!(golden.steps[1].base, [observation("EPERM")]);
        assert_eq!(golden.steps[1].changes[0].seen, [observation("EINVAL")]);
    }

    #[rstest]
    #[case(Acceptance::Also)]
    #[case(changed("known"))]
    fn without_a_golden_only_a_base_is_accepted(#[case] acceptance: Acceptance) {
        let desk = Desk::new();
        let error = desk.recorded("ok").accept(desk.session(), &acceptance, &desk.changes).unwrap_err();
        assert!(matches!(error, ReviewError::NoGolden { .. }), "{error}");
    }

    #[test]
    fn a_golden_of_an_older_session_is_replaced_where_it_does_not_fit() {
        let desk = Desk::new();
        let mut old = desk.golden("7.1.1", "EPERM");
        old.of = "0123456789abcdef".into();
        old.steps[1].changes.push(Alternative { with: vec!["known".into()], seen: vec![observation("ok")] });
        file::write(&desk.goldens().join("a/s.json"), &old).unwrap();
        let pending = desk.recorded("EINVAL");
        assert!(pending.is_stale());
        let error = pending.accept(desk.session(), &changed("known"), &desk.changes).unwrap_err();
        assert!(matches!(error, ReviewError::Stale { .. }), "{error}");
        let golden = pending.accept(desk.session(), &Acceptance::Base, &desk.changes).unwrap();
        assert_eq!(golden, pending.recorded);
    }

    #[test]
    fn a_change_that_there_is_not_is_refused_and_nothing_is_written() {
        let desk = Desk::new();
        desk.keep("ok");
        let pending = desk.recorded("EINVAL");
        let error = pending.accept(desk.session(), &changed("unknown"), &desk.changes).unwrap_err();
        assert!(error.to_string().contains("there is no change `unknown`"), "{error}");
        assert!(pending.path.exists());
    }

    #[test]
    fn a_change_that_is_new_is_written_with_the_golden() {
        let mut desk = Desk::new();
        desk.keep("ok");
        let pending = desk.recorded("EINVAL");
        desk.changes.insert(change("new"));
        let golden = pending.accept(desk.session(), &changed("new"), &desk.changes).unwrap();
        let path = desk.dir.path().join("changes/new.json");
        pending.settle(&golden, Some((&path, &change("new")))).unwrap();
        let changes = Changes::load(&desk.dir.path().join("changes")).unwrap();
        assert_eq!(changes.get("new"), Some(&change("new")));
    }

    #[test]
    fn a_recording_of_an_older_session_is_refused() {
        let desk = Desk::new();
        let mut golden = desk.golden("7.2.1", "ok");
        golden.of = "0123456789abcdef".into();
        let path = desk.goldens().join(format!("s{PENDING}"));
        file::write(&path, &golden).unwrap();
        let error = pending(&desk.goldens(), &desk.sessions).unwrap_err().to_string();
        assert!(error.contains("record it again"), "{error}");
    }

    #[test]
    fn a_golden_holds_no_times_of_branches() {
        let mut seen = observation("ok");
        let inner = serde_json::from_value(json!({
            "name": "b", "steps": [{"id": "x", "observation": {"errno": "ok"}, "aside": {"nanos": 5}}],
        }));
        seen.branches.push(inner.unwrap());
        assert_eq!(tidy(&seen).branches[0].steps[0].aside.nanos, 0);
    }
}
