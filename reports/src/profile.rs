//! What is said of a kernel as a whole beside its findings: the changes it carries, the defects it has.
//! The same for every text format.

use std::collections::BTreeMap;

use scrubjay_verdict::history::{MissingFix, MissingFixes};
use scrubjay_verdict::{ChangeProfile, DefectState, KernelVerdict, Status};

use crate::text::names;

/// Sessions that show a missing fix and are named; of more the number is told.
const NAMED: usize = 3;

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
    lines.extend(listed("regressed", &profile.regressed));
    if let Some(release) = profile.held_to {
        lines.extend(listed(&format!("beyond what {release} has, and not a fault"), &profile.surplus));
        lines.extend(listed(&format!("unknown for {release}"), &profile.undecided));
    }
    for part in &profile.inconsistent {
        lines.push(format!(
            "inconsistent: {} shows in {} and not in {}",
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
            None => "; described only, not held to a release".to_owned(),
        });
    }
    lines
}

/// The same in a line: how many, and the nearest release.
pub fn changes_in_short(verdict: &KernelVerdict, nearest: Option<&str>) -> Option<String> {
    let ChangeProfile { carries, lacks, held_to, .. } = &verdict.changes;
    if carries.is_empty() && lacks.is_empty() {
        return None;
    }
    let nearest = nearest.map(|nearest| format!("; nearest release: {nearest}")).unwrap_or_default();
    let held = match held_to {
        Some(release) => format!("; held to {release}"),
        None => "; described only, not held to a release".to_owned(),
    };
    Some(format!("{} carried, {} lacked{nearest}{held}", carries.len(), lacks.len()))
}

fn listed(what: &str, changes: &[String]) -> Option<String> {
    (!changes.is_empty()).then(|| format!("{what}: {}", changes.join(", ")))
}

/// The fixes that a kernel lacks: how many, and each with its commit and the sessions that show it.
pub fn fixes(verdict: &KernelVerdict) -> Vec<String> {
    fixes_in_short(verdict).into_iter().chain(each_fix(verdict)).collect()
}

/// How many fixes a kernel lacks, by who has them.
pub fn fixes_in_short(verdict: &KernelVerdict) -> Option<String> {
    let MissingFixes { in_series, in_mainline } = &verdict.changes.missing_fixes;
    let sources = [(in_series, "its own series has"), (in_mainline, "only mainline is known to have")];
    let counts: Vec<_> = sources
        .iter()
        .filter(|(fixes, _)| !fixes.is_empty())
        .map(|(fixes, whose)| format!("{} missing that {whose}", fixes.len()))
        .collect();
    if counts.is_empty() {
        let shown = !verdict.changes.carries.is_empty();
        return shown.then(|| "none missing among those that sessions show".to_owned());
    }
    Some(counts.join(", "))
}

/// Each fix that a kernel lacks, with its commit and the sessions that show it.
pub fn each_fix(verdict: &KernelVerdict) -> Vec<String> {
    let MissingFixes { in_series, in_mainline } = &verdict.changes.missing_fixes;
    let told = |fix: &MissingFix, whose: String| {
        let commit = fix.commit.as_ref().map(|commit| format!("{commit} ")).unwrap_or_default();
        let cve = fix.cve.as_ref().map(|cve| format!(" ({cve})")).unwrap_or_default();
        let sessions = fix.shown_by.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = match fix.shown_by.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "{whose} since {}: {commit}{}{cve}; {}, shown by {sessions}{more}",
            fix.since, fix.subject, fix.change
        )
    };
    let of_series = in_series.iter().map(|fix| told(fix, format!("{}.y", fix.since.series)));
    let of_mainline = in_mainline.iter().map(|fix| told(fix, "mainline".to_owned()));
    of_series.chain(of_mainline).collect()
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
    use scrubjay_verdict::history::Inconsistent;

    use super::*;
    use scrubjay_samples::{kernel, marked, missing_fixes, passed, skipped};

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
            surplus: vec!["a".into()],
            undecided: vec!["b".into()],
            held_to: "7.2.3".parse().ok(),
            ..ChangeProfile::default()
        }
    }

    #[test]
    fn the_profile_says_what_is_carried_lacking_regressed_and_inconsistent() {
        let mut verdict = kernel("7.2", Vec::new(), vec![passed("one")]);
        verdict.changes = profile();
        let expected = [
            "carries a; lacks b, c; nearest release: 7.2 to 7.2.3",
            "regressed: c",
            "beyond what 7.2.3 has, and not a fault: a",
            "unknown for 7.2.3: b",
            "inconsistent: d shows in one and not in two",
            "not shown by any session that ran: e; held to 7.2.3",
        ];
        assert_eq!(changes(&verdict, Some("7.2 to 7.2.3")), expected);
    }

    #[test]
    fn a_missing_fix_is_told_with_its_commit_and_where_it_is_to_be_had() {
        let mut verdict = kernel("7.1", Vec::new(), vec![passed("one")]);
        verdict.changes.missing_fixes = missing_fixes();
        let expected = [
            "1 missing that its own series has, 1 missing that only mainline is known to have",
            "7.1.y since 7.1.3: 4bf6bac37507 cxl/features: Reject Get Feature count larger than the output \
             buffer (CVE-2026-23327); get-count-bounded, shown by a, b, c and 1 more",
            "mainline since 7.3: a Set answers nothing; set-out-len-bounded, shown by a, b, c and 1 more",
        ];
        assert_eq!(fixes(&verdict), expected);
    }

    #[test]
    fn that_no_fix_is_missing_is_said_where_any_was_shown() {
        let mut verdict = kernel("7.3", Vec::new(), vec![passed("one")]);
        assert_eq!(fixes(&verdict), [""; 0]);
        verdict.changes.carries = vec!["a".into()];
        assert_eq!(fixes(&verdict), ["none missing among those that sessions show"]);
    }

    #[test]
    fn a_kernel_that_is_held_to_nothing_is_described() {
        let mut verdict = kernel("vendor", Vec::new(), vec![passed("one")]);
        verdict.changes = ChangeProfile { carries: vec!["a".into()], ..ChangeProfile::default() };
        let text = changes(&verdict, None).join("\n");
        assert_eq!(text, "carries a; lacks none; described only, not held to a release");
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
