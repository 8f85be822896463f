//! Keeps what a kernel gave beside the goldens, for review.

use std::path::PathBuf;

use scrubjay_engine::KernelRun;
use scrubjay_session::observation::UNKNOWN_TAINT;
use scrubjay_session::{FileError, Performance, file};
use scrubjay_verdict::golden::{Golden, PENDING};
use scrubjay_verdict::rule::id;

use crate::check::Check;
use crate::target::Target;

/// What became of the recording of one session.
#[derive(Debug)]
pub enum Recorded {
    /// What it gave waits for review in this file.
    Pending(PathBuf),
    /// The golden explains it already.
    Explained,
    /// It could not be recorded.
    Not {
        /// Why.
        why: String,
    },
}

/// Writes a pending golden for every session whose golden is missing or does not explain what it gave.
///
/// # Errors
/// A file that cannot be written.
pub fn record(check: &Check, target: &Target, run: &KernelRun) -> Result<Vec<(String, Recorded)>, FileError> {
    let mut all = Vec::new();
    for (id, performance) in &run.performances {
        let (Some(session), Some(golden)) = (check.library.sessions.get(id), check.library.golden_path(id))
        else {
            continue;
        };
        let transcript = match performance {
            Performance::Performed(transcript) => transcript,
            Performance::Failed { why } | Performance::Skipped { why } => {
                all.push((id.clone(), Recorded::Not { why: why.clone() }));
                continue;
            }
        };
        if transcript.steps.iter().any(|s| s.observation.taint.iter().any(|t| t == UNKNOWN_TAINT)) {
            let why = "this kernel does not show its taint (a release before 7.3 without CONFIG_PROC_SYSCTL), so \
                       a golden of it would expect any; record on a kernel built here (scrubjay kernels build \
                       ID), or on an image of 7.3 or later";
            all.push((id.clone(), Recorded::Not { why: why.to_owned() }));
            continue;
        }
        let verdict = check.judge_one(target, id, performance);
        if verdict.error.is_none() && verdict.findings.iter().all(|f| f.rule == id::KNOWN_DAMAGE) {
            all.push((id.clone(), Recorded::Explained));
            continue;
        }
        let pending = golden.with_file_name(format!("{id}{PENDING}"));
        file::write(&pending, &Golden::record(session, transcript, &target.release))?;
        all.push((id.clone(), Recorded::Pending(pending)));
    }
    Ok(all)
}
