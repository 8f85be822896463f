//! Holds what a kernel gave against what is expected of it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_session::observation::{Aside, FWCTL_TAINT, OK, StepEnd};
use scrubjay_session::transcript::Performance;
use scrubjay_session::{Boot, Field, Observation, Session, Sessions, Transcript, klog};
use serde::{Deserialize, Serialize};

use crate::change::Changes;
use crate::classify::{Moment, Named, Scene, asked, on};
use crate::damage;
use crate::defect_seen::{self, DefectSeen};
use crate::explain::{Explained, differing, explain};
use crate::finding::{Finding, Firmware, Place, WHOLE_KERNEL};
use crate::golden::{Alternative, Golden, Goldens};
use crate::history::{self, ChangeProfile, Shown};
use crate::policy::{Policy, Severities, Severity};
use crate::promise::Promises;
use crate::release::Release;
use crate::rule::{Rule, id};

/// What is expected of a kernel.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// The upstream release whose place in the history it stands at; `None` only describes.
    pub release: Option<Release>,
    /// Whether a fix that its own series has, and that it lacks, is a finding.
    pub require_fixes: bool,
    /// Whether a fwctl device is expected at all; with the reason where it is not.
    pub absent: Option<String>,
    /// Whether its config says that there is no fwctl: of a kernel that is only described nobody promised it.
    pub by_config: bool,
}

/// Everything that a judgement is made from.
#[derive(Clone, Copy)]
pub struct Books<'a> {
    /// The sessions.
    pub sessions: &'a Sessions,
    /// Their goldens.
    pub goldens: &'a Goldens,
    /// The known changes.
    pub changes: &'a Changes,
    /// The promises.
    pub promises: &'a Promises,
    /// The devices.
    pub profiles: &'a Profiles,
}

/// What one session came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As expected.
    Pass,
    /// As expected but for what is waived: passes, and stays in sight.
    Waived,
    /// A promise is broken under the policy asked for.
    Break,
    /// Could not be tested.
    Error,
    /// Does not apply.
    Skip,
}

impl Status {
    /// The name that users read.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Waived => "waived",
            Status::Break => "break",
            Status::Error => "error",
            Status::Skip => "skip",
        }
    }
}

/// The judgement of one session on one kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionVerdict {
    /// The session's id.
    pub session: String,
    /// Why it could not be tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Changes that it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carries: Vec<String>,
    /// Changes that it shows to be missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Known defects that it shows, and those that it shows mended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<DefectSeen>,
}

impl SessionVerdict {
    /// What it came to under a policy.
    pub fn status(&self, policy: Policy) -> Status {
        let breaks = self.findings.iter().any(|f| f.breaks(policy));
        let waived = self.findings.iter().any(|f| f.waived_break(policy));
        match () {
            () if self.findings.iter().any(|f| f.rule == id::UNCLASSIFIED) => Status::Error,
            () if breaks => Status::Break,
            () if self.error.is_some() || self.findings.iter().any(|f| f.unsettled) => Status::Error,
            () if waived => Status::Waived,
            () if self.skipped.is_some() => Status::Skip,
            () => Status::Pass,
        }
    }

    /// Whether a break of it may be chance: what hurts the kernel is conclusive the first time.
    pub fn is_suspect(&self, policy: Policy) -> bool {
        let breaks = || self.findings.iter().filter(|f| f.breaks(policy));
        let conclusive = |rule: &str| Rule::find(rule).is_some_and(|rule| rule.conclusive);
        breaks().next().is_some() && !breaks().any(|f| conclusive(&f.rule))
    }

    /// Of a session of which nothing is known yet.
    pub fn new(session: &str) -> Self {
        SessionVerdict {
            session: session.to_owned(),
            error: None,
            skipped: None,
            findings: Vec::new(),
            carries: Vec::new(),
            lacks: Vec::new(),
            defects: Vec::new(),
        }
    }
}

/// The judgement of a kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelVerdict {
    /// The kernel's id.
    pub kernel: String,
    /// `uname -r`; empty when it never came up.
    pub release: String,
    /// Findings about the kernel as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// By session.
    pub sessions: Vec<SessionVerdict>,
    /// Which changes it carries.
    pub changes: ChangeProfile,
}

impl KernelVerdict {
    /// Every finding, the kernel's own first.
    pub fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.sessions.iter().flat_map(|s| &s.findings))
    }

    /// How many findings break under a policy.
    pub fn breaks(&self, policy: Policy) -> usize {
        self.all_findings().filter(|f| f.breaks(policy)).count()
    }
}

/// Judges one kernel. `absent` is the evidence when it has no fwctl.
pub fn judge(
    kernel: &str,
    release: &str,
    absent: Option<&str>,
    outcomes: &BTreeMap<String, Performance>,
    expectation: &Expectation,
    books: &Books,
) -> KernelVerdict {
    let sessions = outcomes.iter().map(|(id, outcome)| judge_session(id, outcome, books)).collect();
    conclude(kernel, release, absent, sessions, expectation, books)
}

/// Judges one kernel whose sessions are judged.
pub fn conclude(
    kernel: &str,
    release: &str,
    absent: Option<&str>,
    sessions: Vec<SessionVerdict>,
    expectation: &Expectation,
    books: &Books,
) -> KernelVerdict {
    let shown: Vec<_> = sessions
        .iter()
        .map(|session| Shown { session: &session.session, carries: &session.carries, lacks: &session.lacks })
        .collect();
    let changes = history::profile(&shown, release, expectation.release, books.changes);
    let mut findings = Vec::new();
    findings.extend(absent.map(|evidence| absence(evidence, expectation, books)));
    findings.extend(history::findings(&changes, expectation.require_fixes, books.changes, books.promises));
    KernelVerdict { kernel: kernel.to_owned(), release: release.to_owned(), findings, sessions, changes }
}

fn absence(evidence: &str, expectation: &Expectation, books: &Books) -> Finding {
    let place = Place { session: WHOLE_KERNEL, step: "", field: None, promise: "A08" };
    let accepted = match &expectation.absent {
        Some(reason) => format!("absent: {reason}"),
        None => "a fwctl device".to_owned(),
    };
    let mut finding = Finding::new(id::FWCTL_ABSENT, place, accepted, evidence.to_owned(), books.promises);
    if expectation.absent.is_some() {
        finding.severity = Severities::all(Severity::Note);
    } else if expectation.by_config && expectation.release.is_none() {
        finding.severity = Severities::all(Severity::Warn);
    }
    finding
}

/// Judges one session by itself.
pub fn judge_session(id: &str, outcome: &Performance, books: &Books) -> SessionVerdict {
    let mut verdict = SessionVerdict::new(id);
    let Some(session) = books.sessions.get(id) else {
        verdict.error = Some("no such session".to_owned());
        return verdict;
    };
    let golden = books.goldens.get(&session.id);
    if !matches!(outcome, Performance::Performed(_)) {
        verdict.defects = golden.map(defect_seen::not_tested).unwrap_or_default();
    }
    match outcome {
        Performance::Failed { why } => verdict.error = Some(why.clone()),
        Performance::Skipped { why } => verdict.skipped = Some(why.clone()),
        Performance::Performed(transcript) => match golden {
            Some(golden) => compare(session, golden, transcript, books, &mut verdict),
            None => {
                verdict.error = Some(without_golden(session, transcript));
                damage_without_golden(session, transcript, books, &mut verdict);
            }
        },
    }
    verdict
}

/// The most steps of a session without a golden that are told.
const TOLD: usize = 40;

/// What to do about a session without a golden, and what it gave in short.
fn without_golden(session: &Session, transcript: &Transcript) -> String {
    let told = session.steps.iter().take(TOLD).map(|step| {
        let seen = transcript.observation(&step.id);
        let retval = seen.decoded.get("retval").and_then(|retval| retval.as_str());
        let end = (seen.end != StepEnd::CameBack).then(|| seen.end.name());
        let mut words = vec![step.id.as_str(), seen.errno.as_str()];
        words.extend(retval.filter(|_| seen.errno == OK));
        words.extend(end);
        words.retain(|word| !word.is_empty());
        words.join(" ")
    });
    let mut told: Vec<_> = told.collect();
    if let Some(more) = session.steps.len().checked_sub(TOLD).filter(|more| *more > 0) {
        told.push(format!("{more} more"));
    }
    format!(
        "no golden; record one and review it (scrubjay record, scrubjay review). It gave: {}",
        told.join(", ")
    )
}

fn compare(
    session: &Session,
    golden: &Golden,
    transcript: &Transcript,
    books: &Books,
    verdict: &mut SessionVerdict,
) {
    let (mut carries, mut lacks) = (BTreeSet::new(), BTreeSet::new());
    let seen: Vec<_> = session.steps.iter().map(|step| transcript.observation(&step.id)).collect();
    let pairs = || session.steps.iter().zip(&golden.steps);
    let explained: Vec<_> =
        pairs().zip(&seen).map(|((step, expected), seen)| explain(expected, step, seen)).collect();
    let moments = session.steps.iter().zip(&explained).zip(&seen).map(|((step, explained), seen)| {
        let (accepted, fields) = explained.accepted();
        Moment { step, accepted, seen, fields }
    });
    let scene = Scene::new(session, moments.collect());
    // It comes before the steps, which may not be reached for it.
    boot_damage(session, transcript, books, verdict);
    for (at, (step, expected)) in pairs().enumerate() {
        let seen = &seen[at];
        let aside = transcript.step(&step.id).map(|s| &s.aside);
        let touching = || expected.changes.iter().flat_map(|a| &a.with);
        verdict.defects.extend(defect_seen::seen(expected, step, &explained[at]));
        match &explained[at] {
            Explained::Base(accepted) => {
                // What a kernel with a change may give as well says nothing of that change.
                let open = |a: &&Alternative| a.seen.iter().any(|s| differing(s, seen, step).is_empty());
                let silent = |id: &String| expected.changes.iter().filter(open).any(|a| a.with.contains(id));
                lacks.extend(touching().filter(|id| !silent(id)).cloned());
                if accepted.damage().is_some() {
                    let mut finding =
                        found(session, &step.id, id::KNOWN_DAMAGE, Field::Log, accepted, seen, books);
                    finding.log = lines(aside);
                    verdict.findings.push(finding);
                }
            }
            Explained::With { with, .. } => {
                carries.extend(with.iter().cloned());
                // A change of the same step that does not belong to this alternative is not there.
                lacks.extend(touching().filter(|id| !with.contains(id)).cloned());
            }
            Explained::Not { accepted, .. } => {
                for Named { rule, field, follows } in scene.name(at) {
                    let mut finding = found(session, &step.id, rule, field, accepted, seen, books);
                    finding.follows = follows;
                    finding.log = lines(aside);
                    verdict.findings.push(finding);
                }
            }
        }
    }
    damage_of_others(session, transcript, books, verdict);
    // A change that one step shows and another does not is inconsistent: both lists keep it.
    verdict.carries = carries.into_iter().collect();
    verdict.lacks = lacks.into_iter().collect();
}

fn found(
    session: &Session,
    step: &str,
    rule: &str,
    field: Field,
    accepted: &Observation,
    seen: &Observation,
    books: &Books,
) -> Finding {
    let promise = session.promise_of(step, field);
    let place = Place { session: &session.id, step, field: Some(field), promise };
    let show = |o: &Observation| o.show(field).unwrap_or_else(|| "nothing".to_owned());
    let mut finding = Finding::new(rule, place, show(accepted), show(seen), books.promises);
    if let Some(step) = session.step(step) {
        (finding.call, finding.target) = on(&step.action);
        finding.feature = asked::feature_of(session, step, books.profiles);
    }
    finding.firmware = Firmware::of(&accepted.mailbox, &seen.mailbox);
    // The boot taints before its first session: what gains that taint all the same began without it.
    let is_gained = seen.taint.iter().any(|flag| flag == FWCTL_TAINT && !accepted.taint.contains(flag));
    finding.untainted = field == Field::Taint && is_gained && session.boot == Boot::Tainting;
    if matches!(field, Field::Arg | Field::Out) {
        finding.accepted_decoded = accepted.decoded.clone();
        finding.seen_decoded = seen.decoded.clone();
    }
    finding
}

fn lines(aside: Option<&Aside>) -> Vec<String> {
    aside.map(|a| a.lines.iter().map(|l| l.text.clone()).collect()).unwrap_or_default()
}

/// Damage at boot, which belongs to no step of the session's.
fn boot_damage(session: &Session, transcript: &Transcript, books: &Books, verdict: &mut SessionVerdict) {
    let known = |id: &str| session.steps.iter().any(|s| s.id == id);
    for seen in transcript.steps.iter().filter(|s| !known(&s.id)) {
        if let Some(rule) = damage::rule(&seen.observation) {
            let nothing = Observation::default();
            let mut finding = found(session, &seen.id, rule, Field::Log, &nothing, &seen.observation, books);
            finding.log = lines(Some(&seen.aside));
            verdict.findings.push(finding);
        }
    }
}

/// Damage of another thread, which belongs to no step either.
fn damage_of_others(session: &Session, transcript: &Transcript, books: &Books, verdict: &mut SessionVerdict) {
    let damage: Vec<_> = transcript
        .unattributed
        .iter()
        .filter_map(|line| klog::classify(line).map(|event| (event, line)))
        .filter(|(event, _)| event.class.is_damage())
        .collect();
    if let Some((event, _)) = damage.first() {
        let place = Place {
            session: &session.id,
            step: "(unattributed)",
            field: Some(Field::Log),
            promise: &session.promise,
        };
        let seen = format!("{}: {}", event.class.name(), event.what);
        let mut finding = Finding::new(damage::of(event.class), place, String::new(), seen, books.promises);
        finding.log = transcript.unattributed.iter().map(|l| l.text.clone()).collect();
        verdict.findings.push(finding);
    }
}

/// Damage is conclusive even where nothing is recorded to compare with.
fn damage_without_golden(
    session: &Session,
    transcript: &Transcript,
    books: &Books,
    verdict: &mut SessionVerdict,
) {
    let nothing = Observation::default();
    for seen in &transcript.steps {
        let Some(rule) = damage::rule(&seen.observation) else { continue };
        let field = if seen.observation.log.is_empty() { Field::End } else { Field::Log };
        let mut finding = found(session, &seen.id, rule, field, &nothing, &seen.observation, books);
        finding.log = lines(Some(&seen.aside));
        verdict.findings.push(finding);
    }
}
