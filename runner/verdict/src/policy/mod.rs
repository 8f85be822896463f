//! The policies by which findings are weighed: the three ways out that were named on the list, and one of the user's
//! own; and how much a finding weighs under each.

mod name;
pub mod own;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::promise::Class;

pub use name::Name;
pub use own::{OwnPolicy, PolicyError};

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
    /// What the user's own file of this name says.
    #[serde(untagged)]
    Own(Name),
}

impl Policy {
    /// The three that are always there.
    pub const ALL: [Policy; 3] = [Policy::Exempt, Policy::Footgun, Policy::Frozen];

    /// The name that users read.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Exempt => "exempt",
            Policy::Footgun => "footgun",
            Policy::Frozen => "frozen",
            Policy::Own(name) => name.as_str(),
        }
    }

    /// What users write for it on a command line: its name, or its file's.
    pub fn argument(self) -> String {
        match self {
            Policy::Own(name) => format!("{}.{}", name.as_str(), own::EXTENSION),
            policy => policy.name().to_owned(),
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
    /// Under the user's own, where the run was judged by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Weighed>,
}

/// A severity under a policy of the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weighed {
    /// The policy.
    pub policy: Name,
    /// The severity.
    pub severity: Severity,
}

impl Severities {
    /// The same under all of the three.
    pub fn all(severity: Severity) -> Self {
        Severities { exempt: severity, footgun: severity, frozen: severity, own: None }
    }

    /// Under one policy; under one of the user's own by which it was not weighed as under `frozen`, the strictest.
    pub fn under(&self, policy: Policy) -> Severity {
        match policy {
            Policy::Exempt => self.exempt,
            Policy::Footgun => self.footgun,
            Policy::Frozen => self.frozen,
            Policy::Own(name) => {
                let own = self.own.filter(|own| own.policy == name);
                own.map_or(self.frozen, |own| own.severity)
            }
        }
    }

    /// Under each policy by which it was weighed, with the policy's name.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, Severity)> {
        let own = self.own.map(|own| (own.policy.as_str(), own.severity));
        Policy::ALL.map(|policy| (policy.name(), self.under(policy))).into_iter().chain(own)
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
            own: self.own,
        }
    }
}
