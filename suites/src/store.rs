//! Verdicts shared by the processes of one run: the trial that boots leaves what its sessions came to, the others read.
//!
//! Each session is one file, so that a trial reads its own and nothing else. A file is written beside and renamed, so
//! that a killed process leaves none that could be read as whole. Boots and judges nothing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use scrubjay_session::file;
use scrubjay_verdict::SessionVerdict;

/// What earlier runs left is kept so long.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What is known in one run.
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// That of the run which this process belongs to: all trials of one `cargo nextest run`, or this process alone.
    pub fn of_this_run() -> Self {
        static ALONE: OnceLock<String> = OnceLock::new();
        let alone = || {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            // A process id comes again within a day.
            format!("process-{}-{}", process::id(), now.as_nanos())
        };
        let run = std::env::var("NEXTEST_RUN_ID").unwrap_or_else(|_| ALONE.get_or_init(alone).clone());
        Store::at(&crate::matrix::root().join("target").join("scrubjay-runs"), &run)
    }

    /// That of one run below `dir`.
    fn at(dir: &Path, run: &str) -> Self {
        Store { dir: dir.join(run) }
    }

    fn path(&self, kernel: &str, session: &str) -> PathBuf {
        self.dir.join(kernel).join(format!("{session}.json"))
    }

    /// What a session came to on a kernel in this run, if that is known.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn verdict(&self, kernel: &str, session: &str) -> anyhow::Result<Option<SessionVerdict>> {
        let path = self.path(kernel, session);
        Ok(if path.exists() { Some(file::read(&path)?) } else { None })
    }

    /// Leaves what sessions came to on a kernel for whoever asks.
    ///
    /// # Errors
    /// A directory or file that cannot be written.
    pub fn keep(&self, kernel: &str, verdicts: &[SessionVerdict]) -> anyhow::Result<()> {
        self.make(kernel)?;
        for verdict in verdicts {
            let path = self.path(kernel, &verdict.session);
            let beside = path.with_extension(format!("{}.part", process::id()));
            let written = fs::write(&beside, serde_json::to_vec(verdict)?);
            written.and_then(|()| fs::rename(&beside, &path)).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// Keeps other processes away from a boot of a kernel, as long as what it gives is held.
    ///
    /// # Errors
    /// A directory or file that cannot be written.
    pub fn lock(&self, kernel: &str, boot: &str) -> anyhow::Result<File> {
        self.make(kernel)?;
        let path = self.dir.join(kernel).join(format!("{boot}.lock"));
        let take = || -> io::Result<File> {
            let file = File::create(&path)?;
            file.lock()?;
            Ok(file)
        };
        take().with_context(|| path.display().to_string())
    }

    /// Makes the directory of a kernel. Who makes that of the run clears old ones away.
    fn make(&self, kernel: &str) -> anyhow::Result<()> {
        if let (false, Some(runs)) = (self.dir.exists(), self.dir.parent()) {
            remove_old(runs);
        }
        let dir = self.dir.join(kernel);
        fs::create_dir_all(&dir).with_context(|| dir.display().to_string())
    }
}

fn remove_old(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = changed.and_then(|time| SystemTime::now().duration_since(time).ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(session: &str, error: &str) -> SessionVerdict {
        SessionVerdict { error: Some(error.to_owned()), ..SessionVerdict::new(session) }
    }

    #[test]
    fn a_verdict_is_read_by_its_kernel_and_session_in_its_run_only() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path(), "run");
        assert_eq!(store.verdict("7.3", "a").unwrap(), None);
        store.keep("7.3", &[verdict("a", "of a"), verdict("b", "of b")]).unwrap();
        assert_eq!(store.verdict("7.3", "a").unwrap(), Some(verdict("a", "of a")));
        assert_eq!(store.verdict("7.3", "b").unwrap(), Some(verdict("b", "of b")));
        assert_eq!(store.verdict("7.1", "a").unwrap(), None);
        assert_eq!(Store::at(dir.path(), "another").verdict("7.3", "a").unwrap(), None);
    }

    #[test]
    fn a_verdict_that_cannot_be_read_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path(), "run");
        store.keep("7.3", &[verdict("a", "of a")]).unwrap();
        fs::write(store.path("7.3", "a"), "{\"session\": \"a\"").unwrap();
        assert!(store.verdict("7.3", "a").is_err());
    }

    #[test]
    fn a_run_that_is_a_day_old_is_removed_and_a_younger_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (old, young) = (Store::at(dir.path(), "old"), Store::at(dir.path(), "young"));
        old.keep("7.3", &[verdict("a", "of a")]).unwrap();
        young.keep("7.3", &[verdict("a", "of a")]).unwrap();
        let then = SystemTime::now() - KEPT - Duration::from_secs(60);
        File::open(&old.dir).unwrap().set_modified(then).unwrap();
        Store::at(dir.path(), "new").keep("7.3", &[]).unwrap();
        assert!(!old.dir.exists() && young.dir.exists());
    }
}
