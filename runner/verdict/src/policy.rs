//! The three ways out that were named on the list, and how much a finding weighs under each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::promise::Class;

/// A way to treat what fwctl let through.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Operations that taint the kernel carry no guarantee.
    Exempt,
    /// fwctl stays, and the kernel survives state changes behind its back.
    Footgun,
    /// What worked once works for ever.
    #[default]
    Frozen,
}

impl Policy {
    /// All of them.
    pub const ALL: [Policy; 3] = [Policy::Exempt, Policy::Footgun, Policy::Frozen];

    /// The name that users write.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Exempt => "exempt",
            Policy::Footgun => "footgun",
            Policy::Frozen => "frozen",
        }
    }
}

/// What a finding means for a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To be known.
    Note,
    /// To be looked at.
    Warn,
    /// Fails the gate.
    Break,
}

impl Severity {
    /// The name that users read.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warn => "warn",
            Severity::Break => "break",
        }
    }
}

/// A severity for each policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Severities {
    /// Under [`Policy::Exempt`].
    pub exempt: Severity,
    /// Under [`Policy::Footgun`].
    pub footgun: Severity,
    /// Under [`Policy::Frozen`].
    pub frozen: Severity,
}

impl Severities {
    /// Under one policy.
    pub fn under(&self, policy: Policy) -> Severity {
        match policy {
            Policy::Exempt => self.exempt,
            Policy::Footgun => self.footgun,
            Policy::Frozen => self.frozen,
        }
    }

    /// Bounded by what kind of promise was broken: an implied promise breaks a gate only under
    /// `frozen`, an incidental one never.
    pub fn bounded(self, class: Class) -> Self {
        let (others, frozen) = match class {
            Class::Documented => (Severity::Break, Severity::Break),
            Class::Implied => (Severity::Warn, Severity::Break),
            Class::Incidental => (Severity::Note, Severity::Warn),
        };
        Severities {
            exempt: self.exempt.min(others),
            footgun: self.footgun.min(others),
            frozen: self.frozen.min(frozen),
        }
    }
}
