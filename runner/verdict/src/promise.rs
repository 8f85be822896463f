//! The catalogue of promises: what each is, and how firmly it was made.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use scrubjay_session::file::{self, FileError};
use scrubjay_session::name;
use serde::{Deserialize, Serialize};

/// The form that this program reads.
const FORMAT: &str = "scrubjay.promises/1";

/// How firmly a promise was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Nobody said so; it is recorded so that a change is seen.
    Incidental,
    /// Code and design say so; a reasonable program relies on it.
    Implied,
    /// Documentation or a uapi header says so.
    Documented,
}

impl Class {
    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Class::Incidental => "incidental",
            Class::Implied => "implied",
            Class::Documented => "documented",
        }
    }
}

/// One promise.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// A letter for the area and two digits.
    pub id: String,
    /// What is promised.
    pub statement: String,
    /// How firmly.
    pub class: Class,
    /// Where a statement has parts of different firmness: which part has which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_note: Option<String>,
    /// Kernel file and function, or document.
    pub source: String,
    /// In which release it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// Why no session claims it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untested: Option<String>,
}

/// One area of the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// `scrubjay.promises/1`.
    pub format: String,
    /// The letter that its ids start with.
    pub area: String,
    /// What it is about.
    pub title: String,
    /// The promises.
    pub promises: Vec<Promise>,
}

/// The whole catalogue.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    by_id: BTreeMap<String, Promise>,
    /// Titles by letter.
    areas: BTreeMap<String, String>,
}

impl Promises {
    /// Reads every area below `dir`.
    ///
    /// # Errors
    /// A file that is wrong, an id that is taken or belongs to another area.
    pub fn load(dir: &Path) -> Result<Self, FileError> {
        let mut all = Promises::default();
        for path in file::json_below(dir)? {
            let area: Area = file::read(&path)?;
            if area.format != FORMAT {
                return Err(FileError::sense(
                    &path,
                    "format",
                    format!("`{}` is not `{FORMAT}`", area.format),
                ));
            }
            let letter = area.area.as_str();
            if letter.len() != 1 || !letter.bytes().all(|b| b.is_ascii_uppercase()) {
                let why = format!("`{}` is not one capital letter", letter.escape_debug());
                return Err(FileError::sense(&path, "area", why));
            }
            if let Some(why) = name::wrong_title(&area.title) {
                return Err(FileError::sense(&path, "title", why));
            }
            if all.areas.insert(area.area.clone(), area.title).is_some() {
                let why = format!("{} is the letter of another area too", area.area);
                return Err(FileError::sense(&path, "area", why));
            }
            for (i, promise) in area.promises.into_iter().enumerate() {
                let refuse = |field: &str, why: String| {
                    Err(FileError::sense(&path, format!("promises[{i}].{field}"), why))
                };
                let digits = promise.id.strip_prefix(&area.area);
                if !digits.is_some_and(|d| d.len() == 2 && d.bytes().all(|b| b.is_ascii_digit())) {
                    let id = promise.id.escape_debug();
                    return refuse("id", format!("`{id}` is not `{}` and two digits", area.area));
                }
                for (field, text) in [("statement", &promise.statement), ("source", &promise.source)] {
                    if text.trim().is_empty() {
                        return refuse(
                            field,
                            "a promise says what is promised, and where that stands".into(),
                        );
                    }
                }
                if let Some(other) = all.by_id.insert(promise.id.clone(), promise) {
                    return refuse("id", format!("`{}` is taken", other.id));
                }
            }
        }
        Ok(all)
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<&Promise> {
        self.by_id.get(id)
    }

    /// How firmly a promise was made; one that is not in the catalogue counts as documented, so
    /// that a wrong id never makes a break small.
    pub fn class(&self, id: &str) -> Class {
        self.get(id).map_or(Class::Documented, |promise| promise.class)
    }

    /// The areas: letter and title.
    pub fn areas(&self) -> impl Iterator<Item = (&str, &str)> {
        self.areas.iter().map(|(letter, title)| (letter.as_str(), title.as_str()))
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Promise> {
        self.by_id.values()
    }
}
