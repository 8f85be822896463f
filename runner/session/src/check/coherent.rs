//! That the steps of a coherent list can disagree about one state.

use scrubjay_wire::Anchor;

use super::{Checked, fine};
use crate::session::Session;
use crate::step::Action;

pub(super) fn check(session: &Session) -> Checked {
    let mut lists = session.coherent.iter().enumerate();
    lists.try_for_each(|(i, list)| fine(format!("coherent[{i}]"), wrong(session, list)))
}

fn wrong(session: &Session, list: &[String]) -> Option<String> {
    let mut at = Vec::new();
    for id in list {
        let Some(step) = session.steps.iter().position(|step| step.id == *id) else {
            return Some(format!("there is no step `{}` outside of branches", id.escape_debug()));
        };
        at.push(step);
    }
    let reads_edac = |action: &Action| matches!(action, Action::Read(p) if p.anchor == Anchor::Edac);
    let reads_fwctl = |action: &Action| matches!(action, Action::GetFeature(_));
    let actions = || at.iter().map(|&at| &session.steps[at].action);
    if let Some(other) = actions().position(|action| !reads_edac(action) && !reads_fwctl(action)) {
        return Some(format!("`{}` reads neither an EDAC attribute nor a Feature", list[other]));
    }
    if !actions().any(reads_edac) || !actions().any(reads_fwctl) {
        return Some("one of the steps reads an EDAC attribute and another a Feature".into());
    }
    let (first, last) = (at.iter().min().copied().unwrap_or(0), at.iter().max().copied().unwrap_or(0));
    if !session.steps[..first].iter().any(|step| writes_feature(&step.action)) {
        return Some("nothing is written before these steps, so they could never disagree".into());
    }
    let between = session.steps[first..last].iter().find(|step| writes_feature(&step.action))?;
    Some(format!("`{}` writes between these steps: they read two states", between.id))
}

/// Whether an action writes a Feature, whoever does it.
fn writes_feature(action: &Action) -> bool {
    match action {
        Action::Write(write) => write.at.anchor == Anchor::Edac,
        Action::SetFeature(_) | Action::FirmwareSet(_) => true,
        _ => false,
    }
}
