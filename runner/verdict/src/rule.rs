//! The rules: one kind of difference each, read from the files beside this crate's sources.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::policy::{Policy, Severities, Severity};

/// One kind of difference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
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
    /// The rule that names the way back.
    #[serde(default)]
    pub mirror: Option<String>,
    /// Why there is none, where something was taken or given.
    #[serde(default)]
    pub no_mirror: Option<String>,
    /// Whether the class of the promise bounds what it weighs: not where it is about no one promise.
    #[serde(default = "yes")]
    pub bounded: bool,
    /// Whether it is conclusive when seen once.
    #[serde(default)]
    pub conclusive: bool,
    /// What it means for a program.
    pub user: String,
    /// What it means for the firmware.
    pub firmware: String,
    /// A case of it.
    pub example: String,
    /// Where what it is about is decided: kernel file and function, document, or paper of this project.
    pub reference: String,
    /// What it weighs under [`Policy::Exempt`].
    pub exempt: Weight,
    /// Under [`Policy::Footgun`].
    pub footgun: Weight,
    /// Under [`Policy::Frozen`].
    pub frozen: Weight,
}

fn yes() -> bool {
    true
}

/// What a rule weighs under one policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// How much, before the promise's class bounds it.
    pub severity: Severity,
    /// Why, in a sentence.
    pub why: String,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Object {
    DeviceNode,
    Ioctl,
    RpcFraming,
    FeatureEntry,
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

impl Object {
    /// All of them, in the order in which a program meets them.
    pub const ALL: [Object; 13] = [
        Object::DeviceNode,
        Object::Ioctl,
        Object::RpcFraming,
        Object::FeatureEntry,
        Object::Get,
        Object::Set,
        Object::Scope,
        Object::Capability,
        Object::Taint,
        Object::Sysfs,
        Object::MailboxTraffic,
        Object::KernelLog,
        Object::Lifecycle,
    ];

    /// As a person reads it.
    pub fn name(self) -> &'static str {
        match self {
            Object::DeviceNode => "device node",
            Object::Ioctl => "ioctl",
            Object::RpcFraming => "RPC framing",
            Object::FeatureEntry => "Feature entry",
            Object::Get => "Get",
            Object::Set => "Set",
            Object::Scope => "scope",
            Object::Capability => "capability",
            Object::Taint => "taint",
            Object::Sysfs => "sysfs",
            Object::MailboxTraffic => "mailbox traffic",
            Object::KernelLog => "kernel log",
            Object::Lifecycle => "lifecycle",
        }
    }
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

impl Kind {
    /// The kind of the way back; `None` for what changes back under the same name.
    pub fn opposite(self) -> Option<Kind> {
        Some(match self {
            Kind::Removed => Kind::Added,
            Kind::Added => Kind::Removed,
            Kind::Blocked => Kind::Unblocked,
            Kind::Unblocked => Kind::Blocked,
            Kind::Tightened => Kind::Loosened,
            Kind::Loosened => Kind::Tightened,
            Kind::Changed => return None,
        })
    }

    /// As a person reads it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Removed => "removed",
            Kind::Added => "added",
            Kind::Blocked => "blocked",
            Kind::Unblocked => "unblocked",
            Kind::Tightened => "tightened",
            Kind::Loosened => "loosened",
            Kind::Changed => "changed",
        }
    }
}

/// Who notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Side {
    User,
    Firmware,
}

impl Side {
    /// As a person reads it.
    pub fn name(self) -> &'static str {
        match self {
            Side::User => "user",
            Side::Firmware => "firmware",
        }
    }
}

/// What is wrong with a rule's file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("runner/verdict/rules/{stem}.toml:{line}: {why}")]
pub struct RuleError {
    /// The file's stem.
    pub stem: String,
    /// From 1.
    pub line: usize,
    /// What is wrong, and the remedy.
    pub why: String,
}

/// The id of each rule: a rule that the code names has a file, and one whose file goes is missed.
pub mod id {
    include!(concat!(env!("OUT_DIR"), "/ids.rs"));
}

/// File stem and text of every rule.
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/rules.rs"));

static RULES: LazyLock<Result<BTreeMap<String, Rule>, RuleError>> = LazyLock::new(|| read(FILES));

/// Reads rule files by stem and text, and holds them against each other.
///
/// # Errors
/// The first file that is wrong by itself or does not fit the others.
pub fn read(files: &[(&str, &str)]) -> Result<BTreeMap<String, Rule>, RuleError> {
    let mut rules = BTreeMap::new();
    for (stem, text) in files {
        rules.insert((*stem).to_owned(), read_one(stem, text)?);
    }
    for (stem, text) in files {
        check_mirror(stem, text, &rules)?;
    }
    Ok(rules)
}

fn read_one(stem: &str, text: &str) -> Result<Rule, RuleError> {
    let rule: Rule = toml::from_str(text).map_err(|e| {
        let start = e.span().map_or(0, |span| span.start);
        let line = 1 + text[..start].matches('\n').count();
        RuleError { stem: stem.to_owned(), line, why: e.message().to_owned() }
    })?;
    if rule.id != stem {
        return Err(at(stem, text, "id", format!("`{}` is not the file's name; call it `{stem}`", rule.id)));
    }
    let said = [
        ("title", &rule.title),
        ("user", &rule.user),
        ("firmware", &rule.firmware),
        ("example", &rule.example),
        ("reference", &rule.reference),
        ("[exempt]", &rule.exempt.why),
        ("[footgun]", &rule.footgun.why),
        ("[frozen]", &rule.frozen.why),
    ];
    match said.iter().find(|(_, text)| text.trim().is_empty()) {
        Some((key, _)) => Err(at(stem, text, key, format!("{key} says nothing; a rule gives its reasons"))),
        None => Ok(rule),
    }
}

fn check_mirror(stem: &str, text: &str, rules: &BTreeMap<String, Rule>) -> Result<(), RuleError> {
    let rule = &rules[stem];
    let wrong = |key, why: String| Err(at(stem, text, key, why));
    match (&rule.mirror, &rule.no_mirror, rule.kind.opposite()) {
        (Some(_), Some(_), _) => wrong("no-mirror", "there is a mirror; remove one of both".into()),
        (_, Some(why), _) if why.trim().is_empty() => wrong("no-mirror", "say why there is none".into()),
        (None, None, Some(_)) => {
            let why =
                format!("what is {} has a mirror, or a `no-mirror` that says why not", rule.kind.name());
            wrong("kind", why)
        }
        (Some(mirror), None, opposite) => match rules.get(mirror) {
            None => wrong("mirror", format!("there is no rule `{mirror}`")),
            Some(other) if other.mirror.as_deref() != Some(stem) => {
                wrong("mirror", format!("`{mirror}` does not name `{stem}` as its mirror"))
            }
            Some(other) if Some(other.kind) != opposite => {
                let why = format!("`{mirror}` is of kind {}, no way back", other.kind.name());
                wrong("mirror", why)
            }
            Some(_) => Ok(()),
        },
        (None, _, _) => Ok(()),
    }
}

/// An error at the line that begins with a key or a table's name.
fn at(stem: &str, text: &str, key: &str, why: String) -> RuleError {
    let begins = |line: &str| {
        line.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with('='))
    };
    let line = 1 + text.lines().position(begins).unwrap_or(0);
    RuleError { stem: stem.to_owned(), line, why }
}

impl Rule {
    /// That all rules are as they should be.
    ///
    /// # Errors
    /// The first file that is not.
    pub fn check() -> Result<(), RuleError> {
        RULES.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// A rule by its id.
    ///
    /// # Panics
    /// When there is none, or the files are wrong: rules are compiled in, and a test asks for each.
    pub fn get(id: &str) -> &'static Rule {
        Self::find(id).unwrap_or_else(|| panic!("there is no rule `{id}`"))
    }

    /// A rule by an id that a user wrote.
    pub fn find(id: &str) -> Option<&'static Rule> {
        Self::catalogue().get(id)
    }

    /// All of them, by id.
    pub fn all() -> impl Iterator<Item = &'static Rule> {
        Self::catalogue().values()
    }

    fn catalogue() -> &'static BTreeMap<String, Rule> {
        RULES.as_ref().unwrap_or_else(|e| panic!("{e}"))
    }

    /// How much it weighs, before the promise's class bounds it.
    pub fn severity(&self) -> Severities {
        Severities {
            exempt: self.exempt.severity,
            footgun: self.footgun.severity,
            frozen: self.frozen.severity,
            own: None,
        }
    }

    /// How much it weighs under a policy, and why. What a policy of the user's own says depends on the finding: of that
    /// it is what `frozen` says, the strictest.
    pub fn weight(&self, policy: Policy) -> &Weight {
        match policy {
            Policy::Exempt => &self.exempt,
            Policy::Footgun => &self.footgun,
            Policy::Frozen | Policy::Own(_) => &self.frozen,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LOST: &str = r#"id = "lost"
title = "t"
object = "set"
kind = "blocked"
side = "user"
mirror = "found"
user = "u"
firmware = "f"
example = "e"
reference = "r"
[exempt]
severity = "warn"
why = "w"
[footgun]
severity = "break"
why = "w"
[frozen]
severity = "break"
why = "w"
"#;

    fn pair(lost: &str) -> Result<BTreeMap<String, Rule>, RuleError> {
        let found = LOST
            .replace(r#"id = "lost""#, r#"id = "found""#)
            .replace(r#"mirror = "found""#, r#"mirror = "lost""#)
            .replace("blocked", "unblocked");
        read(&[("lost", lost), ("found", &found)])
    }

    #[test]
    fn every_rule_file_reads_and_carries_its_own_name() {
        Rule::check().unwrap();
        assert_eq!(Rule::all().count(), FILES.len());
        assert!(pair(LOST).is_ok());
    }

    #[rstest]
    #[case::unknown_severity("severity = \"warn\"", "severity = \"brake\"", 12, "unknown variant `brake`")]
    #[case::unknown_object("object = \"set\"", "object = \"sett\"", 3, "unknown variant `sett`")]
    #[case::unknown_field("example", "exmaple", 9, "unknown field `exmaple`")]
    #[case::missing_field("firmware = \"f\"\n", "", 1, "missing field `firmware`")]
    #[case::missing_reason("why = \"w\"\n[footgun]", "[footgun]", 11, "missing field `why`")]
    #[case::missing_policy("[frozen]\nseverity = \"break\"\nwhy = \"w\"\n", "", 1, "missing field `frozen`")]
    #[case::no_reason("why = \"w\"\n[footgun]", "why = \" \"\n[footgun]", 11, "says nothing")]
    #[case::no_example("\"e\"", "\"\"", 9, "says nothing")]
    #[case::no_toml("title = \"t\"", "title = \"t", 2, "string")]
    #[case::another_id("id = \"lost\"", "id = \"list\"", 1, "call it `lost`")]
    #[case::no_such_mirror("mirror = \"found\"", "mirror = \"fond\"", 6, "no rule `fond`")]
    #[case::own_mirror("mirror = \"found\"", "mirror = \"lost\"", 6, "no way back")]
    #[case::not_the_way_back("blocked", "tightened", 6, "no way back")]
    #[case::neither("mirror = \"found\"\n", "", 4, "or a `no-mirror`")]
    #[case::both("mirror = \"found\"", "mirror = \"found\"\nno-mirror = \"n\"", 7, "remove one")]
    #[case::no_mirror_without_reason("mirror = \"found\"", "no-mirror = \"\"", 6, "say why")]
    fn a_bad_rule_file_is_refused_with_file_line_and_remedy(
        #[case] from: &str,
        #[case] to: &str,
        #[case] line: usize,
        #[case] says: &str,
    ) {
        let text = LOST.replacen(from, to, 1);
        assert_ne!(text, LOST);
        let error = pair(&text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("runner/verdict/rules/lost.toml:{line}: ")), "{error}");
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn a_looser_scope_or_capability_breaks_every_policy_whatever_the_promise() {
        let guards = |rule: &&Rule| matches!(rule.object, Object::Scope | Object::Capability);
        let looser: Vec<_> = Rule::all().filter(guards).filter(|r| r.kind == Kind::Loosened).collect();
        assert_eq!(looser.len(), 2);
        for rule in looser {
            let breaks = Policy::ALL.map(|policy| rule.weight(policy).severity == Severity::Break);
            assert!(breaks == [true; 3] && !rule.bounded, "{}", rule.id);
        }
    }

    #[test]
    fn what_hurts_the_kernel_is_conclusive_and_breaks_every_policy() {
        let hurts = |rule: &&Rule| rule.id.starts_with("kernel-");
        assert_eq!(Rule::all().filter(hurts).count(), 5);
        for rule in Rule::all() {
            let breaks = Policy::ALL.map(|policy| rule.weight(policy).severity == Severity::Break);
            assert_eq!(rule.conclusive, hurts(&rule), "{}", rule.id);
            assert!(!rule.conclusive || breaks == [true; 3] && !rule.bounded, "{}", rule.id);
        }
    }

    #[test]
    fn a_mirror_that_looks_elsewhere_is_refused() {
        let waived = LOST.replace("mirror = \"found\"", "no-mirror = \"n\"");
        let error = pair(&waived).unwrap_err().to_string();
        assert_eq!(error, "runner/verdict/rules/found.toml:6: `lost` does not name `found` as its mirror");
    }
}
