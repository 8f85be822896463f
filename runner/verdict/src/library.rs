//! Everything below `vectors/`, read and held against each other.

use std::path::{Path, PathBuf};

use scrubjay_session::cxl::profile::Profiles;
use scrubjay_session::{FileError, Sessions};

use crate::change::{Changes, Unseen};
use crate::golden::Goldens;
use crate::judge::Books;
use crate::promise::Promises;
use crate::review;

/// The vectors: profiles, sessions, goldens, changes, promises.
pub struct Library {
    /// The directory that holds `vectors` and `kernels`.
    pub root: PathBuf,
    /// The device profiles.
    pub profiles: Profiles,
    /// The sessions.
    pub sessions: Sessions,
    /// What they are expected to give.
    pub goldens: Goldens,
    /// Known differences between kernels.
    pub changes: Changes,
    /// What upstream changed and no session shows.
    pub unseen: Unseen,
    /// What is promised.
    pub promises: Promises,
}

/// Why the vectors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A session, profile, golden, change or promise.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Library {
    /// Reads `root/vectors`.
    ///
    /// # Errors
    /// The first file that is wrong by itself or does not fit the others, with the remedy.
    pub fn load(root: &Path) -> Result<Self, LibraryError> {
        let (library, unfit) = Self::load_to_record(root)?;
        unfit.into_iter().next().map_or(Ok(library), |error| Err(error.into()))
    }

    /// Reads `root/vectors` for a recording: goldens that do not fit their sessions are left out, and
    /// come back as what is wrong with them.
    ///
    /// # Errors
    /// As [`Library::load`], goldens apart.
    pub fn load_to_record(root: &Path) -> Result<(Self, Vec<FileError>), LibraryError> {
        let vectors = root.join("vectors");
        let profiles = Profiles::load_dir(&vectors.join("devices"))?;
        let sessions = Sessions::load(&vectors.join("sessions"))?;
        let changes = Changes::load(&vectors.join("changes"))?;
        let unseen = Unseen::load(&vectors.join("unseen.json"), &changes)?;
        let promises = Promises::load(&vectors.join("promises"))?;
        let (goldens, unfit) =
            Goldens::load_fitting(&vectors.join("goldens"), &sessions, &changes, &promises)?;
        let library =
            Library { root: root.to_owned(), profiles, sessions, goldens, changes, unseen, promises };
        library.check()?;
        Ok((library, unfit))
    }

    fn check(&self) -> Result<(), LibraryError> {
        for session in self.sessions.iter() {
            let path = self.sessions.path(&session.id).unwrap_or(Path::new("?"));
            session.check_against(path, &self.profiles)?;
            for (place, promise) in session.promises() {
                if self.promises.get(promise).is_none() {
                    let why = format!("there is no promise `{}` in vectors/promises", promise.escape_debug());
                    return Err(FileError::sense(path, place, why).into());
                }
            }
        }
        for change in self.changes.iter() {
            if self.promises.get(&change.promise).is_none() {
                let path = self.root.join("vectors/changes").join(format!("{}.json", change.id));
                let why = format!("there is no promise `{}` in vectors/promises", change.promise);
                return Err(FileError::sense(&path, "promise", why).into());
            }
        }
        Ok(())
    }

    /// What belongs to nothing: changes that no golden uses, recordings of no session. Each as a
    /// sentence with file and remedy.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn loose_ends(&self) -> Result<Vec<String>, FileError> {
        let vectors = self.root.join("vectors");
        let unused = self.goldens.unused(&self.changes).into_iter().map(|id| {
            let path = vectors.join("changes").join(format!("{id}.json"));
            format!("{}: no golden uses this change; review a recording of it, or remove it", path.display())
        });
        let orphans = review::orphans(&vectors.join("goldens"), &self.sessions)?.into_iter();
        let orphans = orphans.map(|path| {
            format!("{}: there is no session of this name; remove the recording", path.display())
        });
        Ok(unused.chain(orphans).collect())
    }

    /// What a judgement is made from.
    pub fn books(&self) -> Books<'_> {
        Books {
            sessions: &self.sessions,
            goldens: &self.goldens,
            changes: &self.changes,
            promises: &self.promises,
            profiles: &self.profiles,
        }
    }

    /// Where the golden of a session is, or would be: as its session below `vectors/sessions`.
    pub fn golden_path(&self, session: &str) -> Option<PathBuf> {
        let vectors = self.root.join("vectors");
        let below = self.sessions.path(session)?.strip_prefix(vectors.join("sessions")).ok()?;
        Some(vectors.join("goldens").join(below))
    }
}
