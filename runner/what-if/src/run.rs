//! Performs the sessions on the kernel as it is and on the changed one, and holds one against the other.

use std::collections::{BTreeMap, BTreeSet};

use scrubjay_check::against;
use scrubjay_check::{Check, Target};
use scrubjay_engine::Lab;
use scrubjay_kernels::{Image, Manifest};
use scrubjay_session::modules_refused;
use scrubjay_session::{Performance, Session};
use scrubjay_verdict::{Library, Policy, Reference, Waivers};

use crate::answer::Answer;
use crate::decision::Decision;
use crate::sight;

/// What sessions are run with, and on.
pub struct Run<'a> {
    /// The vectors.
    pub library: &'a Library,
    /// What sessions are run with.
    pub lab: &'a Lab<'a>,
    /// The kernel.
    pub manifest: &'a Manifest,
    /// It, with its modules built anew as they are.
    pub base: &'a Image,
    /// It, with modules of the changed sources.
    pub changed: &'a Image,
    /// The sessions.
    pub sessions: &'a [&'a Session],
}

/// Performs the sessions on both, the base first, and says what the decision does. `tell` has a line about each part.
///
/// # Errors
/// In words, why nothing can be said: the base cannot be run, or the changed kernel refuses its modules.
pub fn run(run: &Run, decision: &Decision, tell: &mut dyn FnMut(&str)) -> Result<Answer, String> {
    let Run { library, lab, manifest, sessions, .. } = *run;
    let base = Target::new(manifest, run.base);
    let performed = against::perform(lab, library, &base, sessions, &mut || {});
    for line in against::said(&base.kernel.id, &performed) {
        tell(&line);
    }
    if let Some(evidence) = &performed.absent {
        return Err(format!(
            "kernel {} has no fwctl ({evidence}), so nothing can be decided about it",
            manifest.id
        ));
    }
    refused(&performed.not_checked)?;
    let before = performed.performances;
    let reference = Reference::new(&base.kernel.id, &base.release, &before, &library.books());
    let mut changed = Target::new(manifest, run.changed);
    changed.kernel.id = format!("{}, changed", manifest.id);
    let waivers = Waivers::default();
    let policy = Policy::Frozen;
    let against = Some(&reference);
    let check = Check {
        library,
        lab,
        first: &BTreeSet::new(),
        shuffle: None,
        policy,
        own: None,
        waivers: &waivers,
        against,
    };
    let mut not_checked = Vec::new();
    let (verdict, after) = check.perform(&changed, sessions, &mut |event| {
        if let scrubjay_run::RunEvent::KernelJudged { not_checked: what, .. } = event {
            not_checked = what;
        }
    });
    refused(&not_checked)?;
    let performed = after.values().filter(|p| matches!(p, Performance::Performed(_))).count();
    tell(&format!("{}: {performed} performed", changed.kernel.id));
    let pairs = sight::pairs(library, sessions, &before, &after);
    let sights = decision.features().map(|feature| (feature.clone(), sight::of(feature, &pairs))).collect();
    Ok(Answer::new(decision.told(), manifest.id.clone(), &library.promises, &verdict, &after, sights))
}

/// A module that is not loaded leaves a kernel that nobody asked about.
fn refused(not_checked: &[String]) -> Result<(), String> {
    modules_refused(not_checked).next().map_or(Ok(()), |why| Err(why.clone()))
}

/// What the sessions gave, by id.
pub(crate) type Performances = BTreeMap<String, Performance>;
