//! Transcripts shared by processes: the first that needs a boot runs it, the others read.
//!
//! A boot's results are one file, written beside and renamed, so a killed process leaves none that
//! could be read as whole; a lock on a second file keeps the others waiting meanwhile.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use scrubjay_session::{FileError, Performance, file};
use serde::{Deserialize, Serialize};

use crate::lab::KernelRun;

/// The longest result that is read back, in bytes.
const LONGEST_RESULT: u64 = 1 << 30;

/// A directory of boots.
pub struct Store {
    dir: PathBuf,
}

/// The results of one boot.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// `uname -r`.
    pub release: String,
    /// The evidence, when the kernel has no fwctl.
    pub absent: Option<String>,
    /// By session.
    pub performances: BTreeMap<String, Performance>,
}

impl From<KernelRun> for Stored {
    fn from(run: KernelRun) -> Self {
        Stored { release: run.release, absent: run.absent, performances: run.performances }
    }
}

/// Why results could not be had.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or its lock.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A result file.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Store {
    /// The store of one run below `dir`.
    pub fn new(dir: &Path, run: &str) -> Self {
        Store { dir: dir.join(run) }
    }

    /// The results of the boot called `name`: read if they are there, else made by `run`.
    ///
    /// # Errors
    /// A directory that cannot be written; a result that cannot be read.
    pub fn boot(&self, name: &str, run: impl FnOnce() -> KernelRun) -> Result<Stored, StoreError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        fs::create_dir_all(&self.dir).map_err(io(&self.dir))?;
        let lock = self.dir.join(format!("{name}.lock"));
        let file = File::create(&lock).map_err(io(&lock))?;
        // Held until the file is closed.
        file.lock().map_err(io(&lock))?;
        let path = self.dir.join(format!("{name}.json"));
        if path.exists() {
            return Ok(file::read_up_to(&path, LONGEST_RESULT)?);
        }
        let stored = Stored::from(run());
        file::write(&path, &stored)?;
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_run_once_for_all_who_ask() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path(), "run");
        let mut runs = 0;
        for _ in 0..3 {
            store
                .boot("clean", || {
                    runs += 1;
                    KernelRun { release: "7.3.4".into(), ..KernelRun::default() }
                })
                .unwrap();
        }
        assert_eq!(runs, 1);
    }

    #[test]
    fn a_run_that_died_leaves_nothing_to_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path(), "run");
        let died = std::panic::catch_unwind(|| store.boot("clean", || panic!("killed")));
        assert!(died.is_err());
        let again = store.boot("clean", || KernelRun { release: "whole".into(), ..KernelRun::default() });
        assert_eq!(again.unwrap().release, "whole");
    }
}
