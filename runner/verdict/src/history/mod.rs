//! A kernel held against the history: which changes it carries, and what it should carry.
//!
//! [`ranges`] says which releases its changes fit.

pub mod ranges;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::change::{Change, Changes, Stand};
use crate::finding::{Finding, Place, WHOLE_KERNEL};
use crate::promise::Promises;
use crate::release::Release;
use crate::rule::id;

/// Which changes a kernel carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeProfile {
    /// Shown by every session that can show it.
    pub carries: Vec<String>,
    /// Shown by none.
    pub lacks: Vec<String>,
    /// Those of `lacks` that `held_to` has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressed: Vec<String>,
    /// Those of `carries` that `held_to` lacks: no fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<String>,
    /// Those of both that nobody knows whether `held_to` has: described.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
    /// Shown by some: the change, sessions with it, sessions without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inconsistent: Vec<Inconsistent>,
    /// Shown by no session that was performed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Fixes that it lacks.
    #[serde(default, skip_serializing_if = "MissingFixes::is_empty")]
    pub missing_fixes: MissingFixes,
    /// The release whose changes the kernel should carry; none where it is only described.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_to: Option<Release>,
}

/// A change that some sessions show and others do not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inconsistent {
    /// The change's id.
    pub change: String,
    /// Sessions that show it.
    pub carried_in: Vec<String>,
    /// Sessions that show its absence.
    pub lacked_in: Vec<String>,
}

/// Fixes that a kernel lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingFixes {
    /// Those that a release of its own series has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_series: Vec<MissingFix>,
    /// Those that only mainline is known to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_mainline: Vec<MissingFix>,
}

/// A fix that a kernel lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingFix {
    /// The change's id.
    pub change: String,
    /// Mainline's commit, where one can be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The first line of the commit's message; the change's title where none can be named.
    pub subject: String,
    /// The number of what it mends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cve: Option<String>,
    /// The first release that has it: of the kernel's series, or of mainline.
    pub since: Release,
    /// Sessions that show its absence.
    pub shown_by: Vec<String>,
}

impl MissingFixes {
    /// Whether none is missing.
    pub fn is_empty(&self) -> bool {
        self.in_series.is_empty() && self.in_mainline.is_empty()
    }

    fn add(&mut self, change: &Change, kernel: Option<Release>, shown_by: Vec<String>) {
        if change.introduced.is_none() {
            return;
        }
        let in_series = kernel.and_then(|kernel| change.first_in(kernel.series));
        let subject = change.commit.as_ref().map_or(&change.title, |commit| &commit.subject);
        let fix = MissingFix {
            change: change.id.clone(),
            commit: change.commit.as_ref().map(|commit| commit.id.clone()),
            subject: subject.clone(),
            cve: change.cve.clone(),
            since: in_series.unwrap_or(change.mainline.release),
            shown_by,
        };
        match in_series {
            Some(_) => self.in_series.push(fix),
            None => self.in_mainline.push(fix),
        }
    }
}

/// What one session shows of changes.
pub(crate) struct Shown<'a> {
    /// Its id.
    pub session: &'a str,
    /// Changes that it shows.
    pub carries: &'a [String],
    /// Changes that it shows to be missing.
    pub lacks: &'a [String],
}

/// What the sessions say of each change, put together. `name` is what the kernel calls itself.
pub(crate) fn profile(
    sessions: &[Shown],
    name: &str,
    held_to: Option<Release>,
    changes: &Changes,
) -> ChangeProfile {
    let kernel = Release::leading(name);
    let mut profile = ChangeProfile { held_to, ..ChangeProfile::default() };
    for change in changes.iter() {
        let named = |list: for<'s> fn(&'s Shown) -> &'s [String]| -> Vec<String> {
            let with = sessions.iter().filter(|shown| list(shown).contains(&change.id));
            with.map(|shown| shown.session.to_owned()).collect()
        };
        let id = || change.id.clone();
        let (carried_in, lacked_in) = (named(|shown| shown.carries), named(|shown| shown.lacks));
        let carried = match (carried_in.is_empty(), lacked_in.is_empty()) {
            (true, true) => {
                profile.unknown.push(id());
                continue;
            }
            (false, false) => {
                profile.inconsistent.push(Inconsistent { change: id(), carried_in, lacked_in });
                continue;
            }
            (carried_nowhere, _) => !carried_nowhere,
        };
        match held_to.map(|release| change.at(release)) {
            Some(Stand::Has) if !carried => profile.regressed.push(id()),
            Some(Stand::Lacks) if carried => profile.surplus.push(id()),
            Some(Stand::Unknown) => profile.undecided.push(id()),
            Some(Stand::Has | Stand::Lacks) | None => {}
        }
        if carried {
            profile.carries.push(id());
        } else {
            profile.lacks.push(id());
            profile.missing_fixes.add(change, kernel, lacked_in);
        }
    }
    profile
}

/// What a kernel should carry and does not, or carries in part.
pub(crate) fn findings(
    profile: &ChangeProfile,
    require_fixes: bool,
    changes: &Changes,
    promises: &Promises,
) -> Vec<Finding> {
    let found = |rule: &str, change: &str, accepted: String, seen: String| {
        let promise = changes.get(change).map_or("", |c| &c.promise);
        let place = Place { session: WHOLE_KERNEL, step: "", field: None, promise };
        Finding::new(rule, place, accepted, seen, promises)
    };
    let mut findings = Vec::new();
    let series = profile.held_to.map(|release| release.series);
    for change in &profile.regressed {
        let since = changes.get(change).map(|change| change.since(series)).unwrap_or_default();
        findings.push(found(id::REGRESSED, change, format!("{change}, {since}"), "not there".into()));
    }
    let required = profile.missing_fixes.in_series.iter().filter(|_| require_fixes);
    // One that has regressed is told once.
    for fix in required.filter(|fix| !profile.regressed.contains(&fix.change)) {
        let commit = fix.commit.as_deref().map(|commit| format!(" ({commit})")).unwrap_or_default();
        let accepted = format!("{}{commit}, {}.y since {}", fix.change, fix.since.series, fix.since);
        findings.push(found(id::FIX_MISSING, &fix.change, accepted, "not there".into()));
    }
    for part in &profile.inconsistent {
        let accepted = format!("{} in every session or in none", part.change);
        let seen =
            format!("with it: {}; without it: {}", part.carried_in.join(", "), part.lacked_in.join(", "));
        findings.push(found(id::CHANGE_INCONSISTENT, &part.change, accepted, seen));
    }
    findings
}

/// The changes whose absence is among a kernel's findings.
pub fn wanted<'a>(profile: &'a ChangeProfile, findings: &[Finding]) -> BTreeSet<&'a str> {
    let required = findings.iter().any(|finding| finding.rule == id::FIX_MISSING);
    let fixes = profile.missing_fixes.in_series.iter().filter(|_| required);
    profile.regressed.iter().chain(fixes.map(|fix| &fix.change)).map(String::as_str).collect()
}

/// Whether a rule is about a kernel's place in the history: by what all sessions say together.
pub fn is_of_history(rule: &str) -> bool {
    [id::REGRESSED, id::FIX_MISSING, id::CHANGE_INCONSISTENT].contains(&rule)
}
