//! The mutants of a directory, found by walking it. What each is stands in `mutant`.

use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_host::input::read_text;
use scrubjay_session::Sessions;
use scrubjay_verdict::Changes;

use crate::head;
use crate::mutant::{Mutant, MutantError};

/// The longest file of a mutant that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The ending of a mutant's file.
const EXTENSION: &str = "cocci";

/// All mutants of a directory, by id.
#[derive(Debug, Clone)]
pub struct Mutants(Vec<Mutant>);

impl Mutants {
    /// Reads every `*.cocci` in a directory. Its subdirectories are not entered.
    ///
    /// # Errors
    /// The first file that is wrong by itself, names a rule that there is not, a session that is not in `sessions`, or
    /// a change that is not in `changes`.
    pub fn load(dir: &Path, sessions: &Sessions, changes: &Changes) -> Result<Self, MutantError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| MutantError::Read { path, source }
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed(dir))? {
            let path = entry.map_err(failed(dir))?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(MutantError::Empty { dir: dir.to_owned() });
        }
        paths.sort();
        let read = |path: &PathBuf| {
            let text = read_text(path, LONGEST).map_err(|error| failed(path)(error.into()))?;
            let known = head::Known {
                session: &|session| sessions.get(session).is_some(),
                change: &|change| changes.get(change).is_some(),
            };
            head::read(path, &text, &known)
        };
        Ok(Self(paths.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// All of them, by id.
    pub fn all(&self) -> &[Mutant] {
        &self.0
    }
}
