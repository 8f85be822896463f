//! The keys of JSON objects: which an object has, and which it has twice. Knows no form.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Segment, display};

/// A key that an object has twice.
pub(crate) struct Twice {
    pub key: String,
    /// The object's.
    pub place: String,
    /// Of the second, from 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// The first key that an object of this JSON text has twice.
pub(crate) fn twice(text: &str) -> Option<Twice> {
    let mut at = Walk { path: Vec::new(), twice: None };
    let error = (&mut at).deserialize(&mut serde_json::Deserializer::from_str(text)).err()?;
    let key = at.twice?;
    let segments: Vec<_> = at.path.iter().map(Owned::borrow).collect();
    Some(Twice { key, place: display(&segments), line: error.line(), column: error.column() })
}

/// The keys of an object, as they come; `None` where the text is no object.
pub(crate) fn of(text: &str) -> Option<Vec<String>> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, IgnoredAny)) = map.next_entry()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Keys).ok()
}

/// A step down that outlives the text it was read from.
enum Owned {
    Key(String),
    Index(usize),
}

impl Owned {
    fn borrow(&self) -> Segment<'_> {
        match self {
            Owned::Key(key) => Segment::Key(key),
            Owned::Index(index) => Segment::Index(*index),
        }
    }
}

/// Walks a whole text; the path stays where it ended.
struct Walk {
    path: Vec<Owned>,
    twice: Option<String>,
}

impl<'de> DeserializeSeed<'de> for &mut Walk {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for index in 0.. {
            self.path.push(Owned::Index(index));
            if list.next_element_seed(&mut *self)?.is_none() {
                break;
            }
            self.path.pop();
        }
        self.path.pop();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                self.twice = Some(key);
                return Err(A::Error::custom("twice"));
            }
            self.path.push(Owned::Key(key));
            map.next_value_seed(&mut *self)?;
            self.path.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_twice_is_found_with_its_place() {
        let found = twice("{\"a\": [1, {}, {\n\"b\": 1,\n \"c\": {}, \"b\": 2}], \"a2\": 0}").unwrap();
        assert_eq!((found.key.as_str(), found.place.as_str(), found.line), ("b", "a[2]", 3));
        assert!(
            twice("{\"a\": {\"b\": 1}, \"b\": [{\"b\": 1}, {\"b\": 1.5}, null, true, \"b\", -1]}").is_none()
        );
    }
}
