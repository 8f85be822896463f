//! A policy of the user's own: a file that starts from one of the three and says what weighs otherwise, and why.
//! Weighs findings; makes none.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_session::file::{self, FileError};
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::name::Name;
use super::{Policy, Severity, Weighed};
use crate::feature::Feature;
use crate::finding::Finding;
use crate::promise::{Class, Promises};
use crate::rule::{Rule, id};

/// The form that this program reads.
pub const FORMAT: &str = "scrubjay.policy/1";

/// What such a file is called by.
pub const EXTENSION: &str = "toml";

/// A policy of the user's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPolicy {
    /// The stem of its file.
    pub name: Name,
    /// One of the three, which holds where no line says otherwise.
    pub extends: Policy,
    /// What weighs otherwise. Where several lines are about a finding, the last decides.
    pub weigh: Vec<Line>,
}

/// What weighs otherwise: findings that are all of what it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// By this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// About this promise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<String>,
    /// About a promise of this class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// At a step that gets or sets this Feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<Feature>,
    /// How much they weigh, whatever the class of the promise allows.
    pub severity: Severity,
    /// Why.
    pub reason: String,
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something in it is wrong.
    #[error("{path}:{line}: {}{what}", at(.place))]
    Bad {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The place in it, `weigh[1].rule`; empty for the file as a whole.
        place: String,
        /// What, and the remedy.
        what: String,
    },
}

fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("at `{place}`: ") }
}

impl OwnPolicy {
    /// Reads a policy; its name is the stem of the file.
    ///
    /// # Errors
    /// The file, the line, the place and the remedy: a form that is not as it should be, a rule or a promise that there
    /// is not, a line that is about everything, says no reason, or is there twice.
    pub fn load(path: &Path, promises: &Promises, profiles: &Profiles) -> Result<Self, PolicyError> {
        let text = file::read_text(path, file::LONGEST)?;
        let reader = Reader { path, text: &text, promises, profiles };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = Name::new(&stem)
            .or_else(|why| reader.bad(0, format!("the policy has the name of its file: {why}; rename it")))?;
        reader.policy(name)
    }

    /// The policy that decides.
    pub fn policy(&self) -> Policy {
        Policy::Own(self.name)
    }

    /// Says of each finding what it weighs.
    pub fn weigh<'f>(&self, findings: impl IntoIterator<Item = &'f mut Finding>) {
        for finding in findings {
            let line = self.weigh.iter().rfind(|line| line.is_about(finding));
            let severity = line.map_or_else(|| finding.severity.under(self.extends), |line| line.severity);
            finding.severity.own = Some(Weighed { policy: self.name, severity });
        }
    }

    /// What it says, a sentence for each line.
    pub fn told(&self) -> Vec<String> {
        let (name, extends) = (self.name.as_str(), self.extends.name());
        let told = |line: &Line| {
            format!(
                "policy {name} is {extends}, but {} weighs {}: {}",
                line.about().join(", "),
                line.severity.name(),
                line.reason
            )
        };
        self.weigh.iter().map(told).collect()
    }
}

impl Line {
    fn is_about(&self, finding: &Finding) -> bool {
        self.rule.as_ref().is_none_or(|rule| *rule == finding.rule)
            && self.promise.as_ref().is_none_or(|promise| *promise == finding.promise)
            && self.class.is_none_or(|class| class == finding.class)
            && self.feature.as_ref().is_none_or(|feature| finding.feature == Some(feature.uuid))
    }

    /// What it is about, in words.
    fn about(&self) -> Vec<String> {
        let rule = self.rule.as_ref().map(|rule| format!("rule {rule}"));
        let promise = self.promise.as_ref().map(|promise| format!("promise {promise}"));
        let class = self.class.map(|class| format!("class {}", class.name()));
        let feature = self.feature.as_ref().map(|feature| format!("Feature {}", feature.name));
        [rule, promise, class, feature].into_iter().flatten().collect()
    }
}

/// A file of a policy.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// [`FORMAT`].
    #[schemars(with = "String")]
    format: Spanned<String>,
    /// The policy that holds where no line says otherwise.
    #[schemars(with = "Extends")]
    extends: Spanned<Extends>,
    /// What weighs otherwise.
    #[serde(default)]
    #[schemars(with = "Vec<LineForm>")]
    weigh: Vec<Spanned<LineForm>>,
}

/// One of the three.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Extends {
    Exempt,
    Footgun,
    Frozen,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Line")]
struct LineForm {
    /// Findings by this rule.
    #[schemars(with = "Option<String>")]
    rule: Option<Spanned<String>>,
    /// Findings about this promise.
    #[schemars(with = "Option<String>")]
    promise: Option<Spanned<String>>,
    /// Findings about a promise of this class.
    class: Option<Class>,
    /// Findings at a step that gets or sets this Feature, by its name or its UUID.
    #[schemars(with = "Option<String>")]
    feature: Option<Spanned<String>>,
    /// How much they weigh, whatever the class of the promise allows.
    severity: Severity,
    /// Why.
    #[schemars(with = "String")]
    reason: Spanned<String>,
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    promises: &'a Promises,
    profiles: &'a Profiles,
}

impl Reader<'_> {
    fn bad<T>(&self, offset: usize, what: impl Into<String>) -> Result<T, PolicyError> {
        let line = self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
        // What is wrong with the file as a whole is at its beginning.
        let table = DeTable::parse(self.text).ok().filter(|_| offset > 0);
        let place = table.map(|table| place(table.get_ref(), offset)).unwrap_or_default();
        Err(PolicyError::Bad { path: self.path.to_owned(), line, place, what: what.into() })
    }

    fn policy(&self, name: Name) -> Result<OwnPolicy, PolicyError> {
        let form: Form = match toml::from_str(self.text) {
            Ok(form) => form,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                return self.bad(at, error.message().trim_end().replace('\n', "; "));
            }
        };
        if form.format.get_ref() != FORMAT {
            let what = format!("`{}` is not `{FORMAT}`", form.format.get_ref());
            return self.bad(form.format.span().start, what);
        }
        let extends = match form.extends.get_ref() {
            Extends::Exempt => Policy::Exempt,
            Extends::Footgun => Policy::Footgun,
            Extends::Frozen => Policy::Frozen,
        };
        if form.weigh.is_empty() {
            let what = format!("no [[weigh]]: it is `{}`, write --policy {0}", extends.name());
            return self.bad(form.extends.span().start, what);
        }
        let mut seen = BTreeMap::new();
        let mut weigh = Vec::new();
        for (i, spanned) in form.weigh.into_iter().enumerate() {
            let at = spanned.span().start;
            let line = self.line(at, spanned.into_inner())?;
            if let Some(first) =
                seen.insert((line.about(), line.feature.as_ref().map(|feature| feature.uuid)), i)
            {
                return self.bad(at, format!("weigh[{first}] is about the same; make the two one"));
            }
            weigh.push(line);
        }
        Ok(OwnPolicy { name, extends, weigh })
    }

    fn line(&self, at: usize, form: LineForm) -> Result<Line, PolicyError> {
        if let Some(rule) = &form.rule {
            let what = match rule.get_ref().as_str() {
                id::UNCLASSIFIED => {
                    Some("what no rule names is a gap of this suite: an error, whatever it weighs".to_owned())
                }
                other if Rule::find(other).is_none() => {
                    Some(format!("there is no rule `{other}`; `scrubjay rules` lists them"))
                }
                _ => None,
            };
            if let Some(what) = what {
                return self.bad(rule.span().start, what);
            }
        }
        if let Some(promise) = form.promise.as_ref().filter(|id| self.promises.get(id.get_ref()).is_none()) {
            let what = format!("there is no promise `{}`; `scrubjay promises` lists them", promise.get_ref());
            return self.bad(promise.span().start, what);
        }
        let feature = match &form.feature {
            None => None,
            Some(word) => match Feature::find(word.get_ref(), self.profiles) {
                Ok(feature) => Some(feature),
                Err(error) => return self.bad(word.span().start, error.to_string()),
            },
        };
        if form.reason.get_ref().trim().is_empty() {
            return self.bad(form.reason.span().start, "say why; a policy gives its reasons");
        }
        let inner = Spanned::into_inner;
        let line = Line {
            rule: form.rule.map(inner),
            promise: form.promise.map(inner),
            class: form.class,
            feature,
            severity: form.severity,
            reason: form.reason.into_inner(),
        };
        match line.about().is_empty() {
            true => self.bad(at, "name a rule, a promise, a class or a Feature; else it is about everything"),
            false => Ok(line),
        }
    }
}

/// Where in a file an offset is: `weigh[1].rule`; empty where it is in no value.
fn place(table: &DeTable, offset: usize) -> String {
    let holds = |span: Range<usize>| span.contains(&offset);
    for (key, value) in table {
        let name = key.get_ref();
        match value.get_ref() {
            DeValue::Array(lines) => {
                let tables = lines
                    .iter()
                    .enumerate()
                    .filter_map(|(i, line)| Some((i, line, line.get_ref().as_table()?)));
                for (i, line, table) in tables {
                    match place(table, offset) {
                        inner if !inner.is_empty() => return format!("{name}[{i}].{inner}"),
                        _ if holds(line.span()) => return format!("{name}[{i}]"),
                        _ => {}
                    }
                }
            }
            _ if holds(key.span()) || holds(value.span()) => return name.to_string(),
            _ => {}
        }
    }
    String::new()
}
