//! The rules: one kind of difference each, read from the files beside this crate's sources.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::policy::Severities;

/// One kind of difference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The file's stem.
    pub id: String,
    /// In one line.
    pub title: String,
    /// What it is about.
    pub object: Object,
    /// How that changed.
    pub kind: Kind,
    /// Who notices.
    pub side: Side,
    /// What it means for a program, or for firmware.
    pub means: String,
    /// Why it weighs what it weighs.
    pub why: String,
    /// How much that is, before the promise's class bounds it.
    pub severity: Severities,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Object {
    DeviceNode,
    Ioctl,
    FeatureEntry,
    RpcFraming,
    Get,
    Set,
    Scope,
    Capability,
    Taint,
    Sysfs,
    MailboxTraffic,
    KernelLog,
    Lifecycle,
}

/// How something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Removed,
    Added,
    Blocked,
    Unblocked,
    Tightened,
    Loosened,
    Changed,
}

/// Who notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Side {
    User,
    Firmware,
}

/// File stem and text of every rule.
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/rules.rs"));

static RULES: LazyLock<BTreeMap<String, Rule>> = LazyLock::new(|| {
    let read = |(stem, text): &(&str, &str)| {
        let rule: Rule = toml::from_str(text).unwrap_or_else(|e| panic!("rules/{stem}.toml: {e}"));
        assert_eq!(rule.id, *stem, "rules/{stem}.toml has another id");
        (rule.id.clone(), rule)
    };
    FILES.iter().map(read).collect()
});

impl Rule {
    /// A rule by its id.
    ///
    /// # Panics
    /// When there is none: rules are compiled in, and a test asks for each by its use.
    pub fn get(id: &str) -> &'static Rule {
        RULES.get(id).unwrap_or_else(|| panic!("there is no rule `{id}`"))
    }

    /// A rule by an id that a user wrote.
    pub fn find(id: &str) -> Option<&'static Rule> {
        RULES.get(id)
    }

    /// All of them, by id.
    pub fn all() -> impl Iterator<Item = &'static Rule> {
        RULES.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_file_reads_and_carries_its_own_name() {
        assert_eq!(Rule::all().count(), FILES.len());
        for rule in Rule::all() {
            assert!(!rule.title.is_empty() && !rule.means.trim().is_empty() && !rule.why.trim().is_empty());
        }
    }
}
