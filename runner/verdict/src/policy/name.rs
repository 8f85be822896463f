//! The name of a policy of the user's own. Each that is read is kept for as long as the program runs, so that a policy is
//! copied as a word is.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use scrubjay_session::name;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::Policy;

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The name of a policy of the user's own: small letters, digits and single hyphens, and none of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Name(&'static str);

impl Name {
    /// The name of these letters.
    ///
    /// # Errors
    /// Why they are none.
    pub fn new(text: &str) -> Result<Self, String> {
        if let Some(why) = name::wrong(text) {
            return Err(why);
        }
        if Policy::ALL.iter().any(|policy| policy.name() == text) {
            return Err(format!("`{text}` is the name of one of the three policies"));
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let there = names.get(text).copied();
        let name = there.unwrap_or_else(|| {
            let name: &'static str = text.to_owned().leak();
            names.insert(name);
            name
        });
        Ok(Name(name))
    }

    /// Its letters.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Name::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "PolicyName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": name::LONGEST })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_same_letters_are_the_same_name() {
        assert_eq!(Name::new("our-gate"), Name::new("our-gate"));
        assert_ne!(Name::new("our-gate"), Name::new("another"));
    }

    #[rstest]
    #[case::one_of_the_three("frozen", "one of the three")]
    #[case::an_escape("a\u{1b}[2J", "not made of small letters")]
    #[case::nothing("", "not made of small letters")]
    fn what_is_no_name_is_refused(#[case] text: &str, #[case] why: &str) {
        let said = Name::new(text).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
}
