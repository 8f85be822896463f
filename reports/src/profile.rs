//! What is said of a kernel as a whole beside its findings: the changes it carries, the defects it has.
//! The same for every text format.

use std::collections::BTreeMap;

use scrubjay_verdict::{ChangeProfile, DefectState, KernelVerdict, Status};

use crate::text::names;

/// Which changes a kernel carries, in a sentence or a few.
pub fn changes(verdict: &KernelVerdict, nearest: Option<&str>) -> Vec<String> {
    let profile = &verdict.changes;
    let shown = !profile.carries.is_empty() || !profile.lacks.is_empty();
    let mut lines = Vec::new();
    if shown {
        let mut text = format!("carries {}; lacks {}", names(&profile.carries), names(&profile.lacks));
        if let Some(nearest) = nearest {
            text.push_str(&format!("; nearest release: {nearest}"));
        }
        lines.push(text);
    }
    lines.extend(regressed(profile));
    for part in &profile.inconsistent {
        lines.push(format!(
            "inconsistent: {} is there in {} and not in {}",
            part.change,
            part.carried_in.join(", "),
            part.lacked_in.join(", ")
        ));
    }
    let performed = |status| !matches!(status, Status::Skip);
    let any = verdict.sessions.iter().any(|session| performed(session.status(Default::default())));
    if any && !profile.unknown.is_empty() {
        lines.push(format!("not shown by any session that ran: {}", profile.unknown.join(", ")));
    }
    if let Some(last) = lines.last_mut() {
        last.push_str(&match &profile.held_to {
            Some(release) => format!("; held to {release}"),
            None => "; described only, held to no release".to_owned(),
        });
    }
    lines
}

fn regressed(profile: &ChangeProfile) -> Option<String> {
    (!profile.regressed.is_empty()).then(|| format!("regressed: {}", profile.regressed.join(", ")))
}

/// The known defects of a kernel: how many, and each with what the kernel shows of it.
pub fn defects(verdict: &KernelVerdict) -> Vec<String> {
    let seen: Vec<_> = verdict
        .sessions
        .iter()
        .flat_map(|session| session.defects.iter().map(|seen| (seen.state, session.session.as_str(), seen)))
        .collect();
    if seen.is_empty() {
        return Vec::new();
    }
    let count = |state| seen.iter().filter(|(s, ..)| *s == state).count();
    let counts = DefectState::ALL.into_iter().map(|state| (state, count(state))).filter(|(_, n)| *n > 0);
    let counts: Vec<_> = counts.map(|(state, n)| format!("{n} {}", state.name())).collect();
    let mut lines = vec![format!("{} known: {}", seen.len(), counts.join(", "))];
    // The steps of a session that break one sentence are one line.
    let mut told: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for (state, session, seen) in seen.iter().filter(|(state, ..)| *state != DefectState::NotTested) {
        let key = (*state, *session, seen.defect.promise.as_str(), seen.defect.breaks.as_str());
        let by = seen.defect.mended_by.as_deref().filter(|_| *state == DefectState::Mended);
        told.entry((key, by)).or_default().push(&seen.step);
    }
    lines.extend(told.into_iter().map(|(((state, session, promise, breaks), by), steps)| {
        let by = by.map(|id| format!(" by {id}")).unwrap_or_default();
        let step = if steps.len() == 1 { "step" } else { "steps" };
        let steps = steps.join(", ");
        format!("{}{by}: {promise} in {session}, {step} {steps}; breaks {breaks}", state.name())
    }));
    lines
}

#[cfg(test)]
mod tests {
    use scrubjay_verdict::judge::Inconsistent;

    use super::*;
    use scrubjay_samples::{kernel, marked, passed, skipped};

    fn profile() -> ChangeProfile {
        ChangeProfile {
            carries: vec!["a".into()],
            lacks: vec!["b".into(), "c".into()],
            regressed: vec!["c".into()],
            inconsistent: vec![Inconsistent {
                change: "d".into(),
                carried_in: vec!["one".into()],
                lacked_in: vec!["two".into()],
            }],
            unknown: vec!["e".into()],
            held_to: Some("7.2".into()),
        }
    }

    #[test]
    fn the_profile_says_what_is_carried_lacking_regressed_and_inconsistent() {
        let mut verdict = kernel("7.2", Vec::new(), vec![passed("one")]);
        verdict.changes = profile();
        let expected = [
            "carries a; lacks b, c; nearest release: before 7.2",
            "regressed: c",
            "inconsistent: d is there in one and not in two",
            "not shown by any session that ran: e; held to 7.2",
        ];
        assert_eq!(changes(&verdict, Some("before 7.2")), expected);
    }

    #[test]
    fn a_kernel_that_is_held_to_nothing_is_described() {
        let mut verdict = kernel("vendor", Vec::new(), vec![passed("one")]);
        verdict.changes = ChangeProfile { carries: vec!["a".into()], ..ChangeProfile::default() };
        let text = changes(&verdict, None).join("\n");
        assert_eq!(text, "carries a; lacks none; described only, held to no release");
    }

    #[test]
    fn a_kernel_on_which_nothing_ran_shows_no_change() {
        let mut verdict = kernel("6.12", Vec::new(), vec![skipped("one")]);
        verdict.changes = ChangeProfile { unknown: vec!["a".into()], ..ChangeProfile::default() };
        assert_eq!(changes(&verdict, None), [""; 0]);
    }

    #[test]
    fn defects_are_counted_by_what_is_seen_of_them() {
        let sessions = vec![
            marked("lost-set", &["set", "set-again"], DefectState::There),
            marked("empty", &["in-len-0"], DefectState::Mended),
            marked("beyond", &["get", "set"], DefectState::NotCompared),
            marked("other", &["get"], DefectState::NotTested),
        ];
        let lines = defects(&kernel("7.3", Vec::new(), sessions));
        let expected = [
            "6 known: 2 still there, 1 mended, 2 not compared, 1 not tested",
            "still there: D12 in lost-set, steps set, set-again; breaks include/uapi/fwctl/fwctl.h, struct fwctl_rpc",
            "mended by op-size-bounded: D12 in empty, step in-len-0; breaks include/uapi/fwctl/fwctl.h, struct fwctl_rpc",
            "not compared: D12 in beyond, steps get, set; breaks include/uapi/fwctl/fwctl.h, struct fwctl_rpc",
        ];
        assert_eq!(lines, expected);
    }
}
