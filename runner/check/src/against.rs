//! Performs sessions on the kernel that others are held against. It comes first.

use scrubjay_engine::{KernelRun, Lab, Progress};
use scrubjay_run::RunEvent;
use scrubjay_session::{Performance, Session, modules_refused};
use scrubjay_verdict::{Library, Reference};

use crate::check::explained;
use crate::kept::Kept;
use crate::target::Target;

/// Performs `sessions` on `target`, those apart of which it is known what they give.
///
/// # Errors
/// Why nothing can be held against it.
pub fn reference(
    lab: &Lab,
    library: &Library,
    target: &Target,
    sessions: &[&Session],
    kept: Option<&Kept>,
    tell: &mut (dyn FnMut(RunEvent) + Send),
) -> Result<Reference, String> {
    let id = target.kernel.id.as_str();
    let (known, not_checked) = kept.map(|kept| kept.known(sessions, library)).unwrap_or_default();
    let left: Vec<&Session> = sessions.iter().copied().filter(|s| !known.contains_key(&s.id)).collect();
    tell(RunEvent::ReferenceStarted { kernel: id.to_owned(), sessions: left.len() });
    let mut run = match left.as_slice() {
        [] => KernelRun::default(),
        left => perform(lab, library, target, left, &mut || tell(RunEvent::ReferencePerformed)),
    };
    if let (Some(kept), None) = (kept, modules_refused(&run.not_checked).next()) {
        kept.keep(&run.performances, &run.not_checked, library);
    }
    if !known.is_empty() {
        tell(RunEvent::Note { text: format!("reference {id}: {} kept from an earlier run", known.len()) });
    }
    run.performances.extend(known);
    run.not_checked
        .extend(not_checked.into_iter().filter(|what| !run.not_checked.contains(what)).collect::<Vec<_>>());
    for text in said(id, &run) {
        tell(RunEvent::Note { text });
    }
    // A module that is not loaded leaves a kernel that nobody asked about.
    let refused = modules_refused(&run.not_checked).next();
    match (&run.absent, refused) {
        (_, Some(refused)) => Err(format!("nothing to compare with: {id}: {refused}")),
        (Some(evidence), None) => Err(format!("nothing to compare with: {id} has no fwctl ({evidence})")),
        (None, None) => Ok(Reference::new(id, &target.release, &run.performances, &library.books())),
    }
}

/// Performs sessions on a kernel that others are held against; `tell` is called for each that has come to something.
/// What its golden does not explain, and the host may have had a part in, is tried again.
pub fn perform(
    lab: &Lab,
    library: &Library,
    target: &Target,
    sessions: &[&Session],
    tell: &mut (dyn FnMut() + Send),
) -> KernelRun {
    let stands = |id: &str, performance: &Performance| explained(library, id, performance);
    lab.run_judged(&target.kernel, sessions, &stands, &mut |progress| {
        if let Progress::Session { .. } = progress {
            tell();
        }
    })
}

/// How far it could be performed, and what could not be observed.
pub fn said(id: &str, run: &KernelRun) -> Vec<String> {
    let count = |is_it: fn(&Performance) -> bool| run.performances.values().filter(|p| is_it(p)).count();
    let performed = count(|p| matches!(p, Performance::Performed(_)));
    let failed = count(|p| matches!(p, Performance::Failed { .. }));
    let skipped = count(|p| matches!(p, Performance::Skipped { .. }));
    let mut said = vec![format!(
        "reference {id}: {performed} performed, {failed} could not be tested, {skipped} skipped"
    )];
    said.extend(run.not_checked.iter().map(|what| format!("reference {id}, not checked: {what}")));
    said
}
