//! Findings: one difference, by one rule, at one step of one session on one kernel.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use scrubjay_session::{Field, MailboxCommand};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::golden::short_hash;
use crate::policy::{Policy, Severities, Severity};
use crate::promise::{Class, Promises};
use crate::rule::Rule;
use crate::rule::id;

/// The session of a finding that belongs to a kernel as a whole.
pub const WHOLE_KERNEL: &str = "-";

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Stable over runs and formats: rule, session, step, field, accepted and seen value.
    pub fingerprint: String,
    /// The rule's id.
    pub rule: String,
    /// The session's id, [`WHOLE_KERNEL`] for none.
    pub session: String,
    /// The step's id; empty for none.
    pub step: String,
    /// What the step does, as the session's file names it: `set-feature`; empty for a finding of the whole kernel.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// To what: the scope of an RPC, the path of a file; empty where the step has neither.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// The Feature that the step gets or sets, by its UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub feature: Option<Uuid>,
    /// The field that shows it.
    pub field: Option<Field>,
    /// Fields that differ as a consequence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<Field>,
    /// The promise that the field belongs to.
    pub promise: String,
    /// How firmly it was made.
    pub class: Class,
    /// What would have been accepted.
    pub accepted: String,
    /// What was seen.
    pub seen: String,
    /// The same as a person reads it, where it can be decoded.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub accepted_decoded: serde_json::Value,
    /// See `accepted_decoded`.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub seen_decoded: serde_json::Value,
    /// What the firmware received in that step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<Firmware>,
    /// That the session began in a guest without the taint which its boot sets beforehand, so that the step was the
    /// first to set it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untainted: bool,
    /// What the kernel said in that step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// How often it was seen, once it was run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// Seen too rarely to be told from chance: what the session pins is untested, and this no break.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
    /// That it is let through on purpose, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
    /// How much it weighs under each policy, waived or not.
    pub severity: Severities,
}

/// What a finding says of the waiver that lets it through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waived {
    /// Why.
    pub reason: String,
    /// Commit, thread or ticket.
    pub reference: String,
    /// The last day.
    #[schemars(with = "String")]
    pub expires: Date,
}

impl fmt::Display for Waived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Waived { reason, reference, expires } = self;
        write!(f, "until {expires}: {reason} ({reference})")
    }
}

/// The mailbox commands of a step; of more than [`Firmware::MOST`] the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Firmware {
    /// Those that would have been accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// Those that came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
}

impl Firmware {
    /// The most commands that are kept of a step.
    pub const MOST: usize = 32;

    /// What came of a step, and what would have been accepted; `None` where the firmware is not concerned.
    pub fn of(accepted: &[MailboxCommand], seen: &[MailboxCommand]) -> Option<Self> {
        let told = |commands: &[MailboxCommand]| {
            let mut told: Vec<_> = commands.iter().take(Self::MOST).map(ToString::to_string).collect();
            if commands.len() > Self::MOST {
                told.push(format!("... {} in all", commands.len()));
            }
            told
        };
        let any = !accepted.is_empty() || !seen.is_empty();
        any.then(|| Firmware { accepted: told(accepted), seen: told(seen) })
    }
}

/// How often a finding was seen, of the runs in which the host gave the guest its time: `seen` below `of` is
/// intermittent, and a finding all the same where it was seen twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// So many times.
    pub seen: u32,
    /// Of so many runs.
    pub of: u32,
}

impl Repeat {
    /// Once, before it was run again.
    pub const FIRST: Repeat = Repeat { seen: 1, of: 1 };

    /// In how many of the runs after the first it has to come, where it does not come in each.
    const ENOUGH: u32 = 2;

    /// One run more.
    pub fn add(&mut self, seen: bool) {
        self.of += 1;
        self.seen += u32::from(seen);
    }

    /// Whether it was seen often enough to tell it from chance.
    pub fn is_settled(self) -> bool {
        let each_time = self.of > 1 && self.seen == self.of;
        each_time || self.seen > Self::ENOUGH
    }
}

/// Where a finding was made and what it shows.
pub struct Place<'a> {
    /// The session's id, [`WHOLE_KERNEL`] for none.
    pub session: &'a str,
    /// The step's id; empty for none.
    pub step: &'a str,
    /// The field.
    pub field: Option<Field>,
    /// The promise.
    pub promise: &'a str,
}

impl Finding {
    /// Makes a finding; the promise's class bounds the rule's severity, where the rule lets it.
    pub fn new(rule: &str, at: Place, accepted: String, seen: String, promises: &Promises) -> Self {
        let rule = Rule::get(rule);
        let class = promises.class(at.promise);
        let field = at.field.map_or("", Field::name);
        let parts = [&rule.id, at.session, at.step, field, &accepted, &seen];
        Finding {
            fingerprint: short_hash(&parts.join("\u{1f}")),
            rule: rule.id.clone(),
            session: at.session.to_owned(),
            step: at.step.to_owned(),
            call: String::new(),
            target: String::new(),
            feature: None,
            field: at.field,
            follows: Vec::new(),
            promise: at.promise.to_owned(),
            class,
            accepted,
            seen,
            accepted_decoded: serde_json::Value::Null,
            seen_decoded: serde_json::Value::Null,
            firmware: None,
            untainted: false,
            log: Vec::new(),
            repeat: None,
            unsettled: false,
            waived: None,
            severity: if rule.bounded { rule.severity().bounded(class) } else { rule.severity() },
        }
    }

    /// Whether it fails a gate under this policy. What no rule names is an error, never a break, and so is what
    /// was seen too rarely.
    pub fn breaks(&self, policy: Policy) -> bool {
        let counts = self.waived.is_none() && self.rule != id::UNCLASSIFIED && !self.unsettled;
        counts && self.severity.under(policy) == Severity::Break
    }

    /// Whether it would fail a gate under this policy, and is waived.
    pub fn waived_break(&self, policy: Policy) -> bool {
        self.waived.is_some() && self.severity.under(policy) == Severity::Break
    }
}
