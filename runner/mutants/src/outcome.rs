//! What came of a mutant: whether the suite said what it had to say.
//!
//! Looks at verdicts; makes none.

use std::collections::BTreeSet;
use std::fmt;

use scrubjay_engine::KernelRun;
use scrubjay_session::Performance;
use scrubjay_session::modules_refused;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Finding, KernelVerdict, Severity};

use crate::mutant::Mutant;

/// What came of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its rule flagged it.
    Caught {
        /// Session and step of the first finding.
        place: String,
    },
    /// Only others did.
    CaughtByAnother {
        /// Which.
        rules: Vec<String>,
    },
    /// Nothing that weighs more than a note.
    Missed,
    /// Harmless, and nothing was found.
    Quiet,
    /// Harmless, and something was found.
    FalseAlarm {
        /// Rule, session and step of each finding.
        findings: Vec<String>,
    },
    /// It has no meaning on this kernel.
    Excluded {
        /// Why.
        why: String,
    },
    /// It could not be built or run: neither caught nor missed.
    Error {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// What came of a mutant that was run.
    pub fn of(mutant: &Mutant, run: &KernelRun, verdict: &KernelVerdict) -> Self {
        let findings: Vec<&Finding> = verdict.all_findings().filter(|f| f.rule != id::KNOWN_DAMAGE).collect();
        let refused = modules_refused(&run.not_checked).next();
        let failed = || {
            let performed = run.performances.values().any(|p| matches!(p, Performance::Performed(_)));
            let error =
                verdict.sessions.iter().find_map(|s| Some(format!("{}: {}", s.session, s.error.as_ref()?)));
            let unclassified = findings.iter().find(|f| f.rule == id::UNCLASSIFIED).map(|f| place(f));
            let nothing = (!performed).then(|| "no session could be performed".to_owned());
            error.or(unclassified).or(nothing)
        };
        if let Some(why) = refused {
            return Self::Error { why: why.clone() };
        }
        let Some(rule) = mutant.kind.rule() else {
            return match failed() {
                _ if !findings.is_empty() => {
                    Self::FalseAlarm { findings: findings.iter().map(|f| place(f)).collect() }
                }
                Some(why) => Self::Error { why },
                None => Self::Quiet,
            };
        };
        let weighty = || {
            let weighs = |f: &&&Finding| f.severity.frozen != Severity::Note && f.rule != id::UNCLASSIFIED;
            findings.iter().filter(weighs)
        };
        let named = |f: &&&Finding| {
            let named = f.accepted.split(',').next();
            f.rule == rule && mutant.kind.change().is_none_or(|change| named == Some(change))
        };
        if let Some(finding) = weighty().find(named) {
            let place = match finding.step.as_str() {
                // Of the kernel as a whole: what it should have.
                "" => finding.accepted.clone(),
                step => format!("{} at {step}", finding.session),
            };
            return Self::Caught { place };
        }
        let others: BTreeSet<&String> = weighty().map(|f| &f.rule).collect();
        match failed() {
            _ if !others.is_empty() => Self::CaughtByAnother { rules: others.into_iter().cloned().collect() },
            Some(why) => Self::Error { why },
            None => all_skipped(mutant, run).map_or(Self::Missed, |why| Self::Excluded { why }),
        }
    }

    /// Whether that is as it has to be.
    pub fn is_expected(&self) -> bool {
        matches!(self, Self::Caught { .. } | Self::Quiet | Self::Excluded { .. })
    }

    /// Whether it says something against the suite; an error says nothing of it.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::CaughtByAnother { .. } | Self::Missed | Self::FalseAlarm { .. })
    }

    /// The name that users read.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Caught { .. } => "caught",
            Self::CaughtByAnother { .. } => "caught by another",
            Self::Missed => "missed",
            Self::Quiet => "quiet",
            Self::FalseAlarm { .. } => "false alarm",
            Self::Excluded { .. } => "excluded",
            Self::Error { .. } => "error",
        }
    }

    /// What there is to say of it; empty for what the name says already.
    pub fn detail(&self) -> String {
        match self {
            Self::Caught { place } => place.clone(),
            Self::CaughtByAnother { rules } => rules.join(", "),
            Self::FalseAlarm { findings } => findings.join("; "),
            Self::Excluded { why } | Self::Error { why } => why.clone(),
            Self::Missed | Self::Quiet => String::new(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            detail if detail.is_empty() => f.write_str(self.name()),
            detail => write!(f, "{}: {detail}", self.name()),
        }
    }
}

/// Why a kernel skips all the sessions that a mutant names, if it does: it has not what the mutant changes.
fn all_skipped(mutant: &Mutant, run: &KernelRun) -> Option<String> {
    let skipped = mutant.sessions.iter().map(|session| match run.performances.get(session) {
        Some(Performance::Skipped { why }) => Some(why.clone()),
        _ => None,
    });
    skipped.collect::<Option<Vec<_>>>()?.into_iter().next()
}

/// A finding in one line.
pub(crate) fn place(finding: &Finding) -> String {
    let field = finding.field.map_or("", |field| field.name());
    let Finding { rule, session, step, accepted, seen, .. } = finding;
    format!("{rule} at {session} {step} {field} ({} -> {})", short(accepted), short(seen))
}

/// The beginning of a value, in one line.
fn short(value: &str) -> String {
    const MOST: usize = 60;
    let line: String = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST { line } else { line.chars().take(MOST).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scrubjay_session::{Field, Transcript};
    use scrubjay_verdict::finding::Place;
    use scrubjay_verdict::{ChangeProfile, Promises, SessionVerdict};

    use super::*;
    use crate::mutant::{Kind, tests};

    /// The verdict of one session with findings by these rules, on a documented promise.
    fn verdict(rules: &[&str], error: Option<&str>) -> (KernelRun, KernelVerdict) {
        let finding = |rule: &&str| {
            let place = Place { session: "s", step: "one", field: Some(Field::Errno), promise: "unknown" };
            Finding::new(rule, place, "ok".into(), "EPERM".into(), &Promises::default())
        };
        let session = SessionVerdict {
            session: "s".into(),
            error: error.map(str::to_owned),
            skipped: None,
            findings: rules.iter().map(finding).collect(),
            carries: Vec::new(),
            lacks: Vec::new(),
            defects: Vec::new(),
        };
        let verdict = KernelVerdict {
            kernel: "k".into(),
            release: "7.3.4".into(),
            findings: Vec::new(),
            sessions: vec![session],
            changes: ChangeProfile::default(),
        };
        let mut run = KernelRun::default();
        let performed = Performance::Performed(Box::new(Transcript::new("s")));
        run.performances.insert("s".into(), performed);
        (run, verdict)
    }

    fn mutant(kind: Kind) -> Mutant {
        tests::mutant("m", kind)
    }

    #[rstest]
    #[case::by_its_rule(&["errno-changed", "call-blocked"], None, "caught")]
    #[case::also_where_a_session_failed(&["call-blocked"], Some("the guest is slow"), "caught")]
    #[case::by_another(&["errno-changed"], None, "caught by another")]
    #[case::by_nothing(&[], None, "missed")]
    #[case::notes_do_not_count(&["step-regained"], None, "missed")]
    #[case::known_damage_does_not_count(&["known-damage"], None, "missed")]
    #[case::what_could_not_be_run_is_not_missed(&[], Some("the guest is slow"), "error")]
    #[case::a_gap_of_the_suite_catches_nothing(&["unclassified"], None, "error")]
    fn a_break_has_to_be_flagged_by_its_rule(
        #[case] rules: &[&str],
        #[case] error: Option<&str>,
        #[case] name: &str,
    ) {
        let (run, verdict) = verdict(rules, error);
        let mutant = mutant(Kind::Break { rule: "call-blocked".into() });
        assert_eq!(Outcome::of(&mutant, &run, &verdict).name(), name);
    }

    #[rstest]
    #[case::nothing(&[], None, "quiet")]
    #[case::known_damage(&["known-damage"], None, "quiet")]
    #[case::a_note_too(&["step-regained"], None, "false alarm")]
    #[case::could_not_be_run(&[], Some("the guest is slow"), "error")]
    fn a_harmless_mutant_may_be_flagged_by_nothing(
        #[case] rules: &[&str],
        #[case] error: Option<&str>,
        #[case] name: &str,
    ) {
        let (run, verdict) = verdict(rules, error);
        assert_eq!(Outcome::of(&mutant(Kind::Harmless), &run, &verdict).name(), name);
    }

    #[rstest]
    #[case::its_own("bounded, 7.2.y since 7.2.4", "caught")]
    #[case::another("bounded-too, mainline since 7.3", "caught by another")]
    fn a_revert_has_to_be_missed_by_its_name(#[case] missed: &str, #[case] name: &str) {
        let (run, mut verdict) = verdict(&[], None);
        let place = Place { session: "", step: "", field: None, promise: "unknown" };
        let regressed =
            Finding::new(id::REGRESSED, place, missed.into(), "not there".into(), &Promises::default());
        verdict.findings.push(regressed);
        let mutant = mutant(Kind::Revert { change: "bounded".into() });
        assert_eq!(Outcome::of(&mutant, &run, &verdict).name(), name);
    }

    #[test]
    fn a_mutant_of_what_the_kernel_has_not_is_excluded() {
        let (mut run, verdict) = verdict(&[], None);
        let mut mutant = mutant(Kind::Revert { change: "bounded".into() });
        mutant.sessions = vec!["raw".into()];
        assert_eq!(Outcome::of(&mutant, &run, &verdict).name(), "missed");
        run.performances.insert("raw".into(), Performance::Skipped { why: "this kernel has no raw".into() });
        let excluded = Outcome::Excluded { why: "this kernel has no raw".into() };
        assert_eq!(Outcome::of(&mutant, &run, &verdict), excluded);
    }

    #[test]
    fn a_mutant_whose_module_is_refused_or_that_performed_nothing_is_an_error() {
        let (mut run, whole) = verdict(&["call-blocked"], None);
        run.not_checked.push("module refused: 02-fwctl.ko: ENOEXEC".into());
        let mutant = mutant(Kind::Break { rule: "call-blocked".into() });
        assert_eq!(Outcome::of(&mutant, &run, &whole).name(), "error");
        let (mut run, whole) = verdict(&[], None);
        run.performances.insert("s".into(), Performance::Skipped { why: "no fwctl".into() });
        assert_eq!(Outcome::of(&mutant, &run, &whole).name(), "error");
    }
}
