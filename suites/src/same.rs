//! Whether two runs gave the same.

use anyhow::{anyhow, ensure};
use scrubjay_engine::KernelRun;
use scrubjay_session::step::Outcome;
use scrubjay_session::{Performance, Session};

/// Whether a session gave the same in two runs: every field of every step that is compared at all.
///
/// # Errors
/// The first step that differs, with both observations; a session that was not performed in one of them.
pub fn same(left: &KernelRun, right: &KernelRun, session: &Session) -> anyhow::Result<()> {
    let id = &session.id;
    let transcript = |run: &KernelRun| match run.performances.get(id) {
        Some(Performance::Performed(transcript)) => Ok(transcript.clone()),
        other => Err(anyhow!("{id}: {other:?}")),
    };
    let (left, right) = (transcript(left)?, transcript(right)?);
    for step in session.steps.iter().filter(|step| step.outcome == Outcome::Value) {
        let (l, r) = (left.observation(&step.id), right.observation(&step.id));
        let mut fields = l.differing(&r);
        fields.retain(|field| !step.masks.iter().any(|mask| mask.field == *field));
        ensure!(fields.is_empty(), "{id}, step {}: {fields:?} differ:\n{l:#?}\n{r:#?}", step.id);
    }
    Ok(())
}
