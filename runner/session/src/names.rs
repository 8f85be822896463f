//! Values that a session writes by name, or by number where it means one that has no name.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use scrubjay_uapi::Scope;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A decimal or `0x` hexadecimal number.
pub(crate) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $of:ty, $raw:ty, $width:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $raw);

        impl From<$of> for $name {
            fn from(value: $of) -> Self {
                $name(value as $raw)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match <$of>::ALL.iter().find(|v| **v as $raw == self.0) {
                    Some(known) => f.write_str(known.name()),
                    None => write!(f, concat!("0x{:0", $width, "x}"), self.0),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow::<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                let known = <$of>::ALL.iter().find(|v| v.name() == text).map(|v| *v as $raw);
                let value = known.or_else(|| $crate::names::number(&text).and_then(|n| <$raw>::try_from(n).ok()));
                value.map($name).ok_or_else(|| {
                    let names: Vec<_> = <$of>::ALL.iter().map(|v| v.name()).collect();
                    serde::de::Error::custom(format!(
                        "`{text}` is neither one of {} nor a number of {} bits",
                        names.join(", "),
                        <$raw>::BITS
                    ))
                })
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let names: Vec<_> = <$of>::ALL.iter().map(|v| v.name()).collect();
                schemars::json_schema!({
                    "type": "string",
                    "anyOf": [{ "enum": names }, { "pattern": "^(0x[0-9a-fA-F]+|[0-9]+)$" }],
                })
            }
        }
    };
}
pub(crate) use named;

named!(
    /// A scope by name, or any 32-bit number.
    ScopeName, Scope, u32, "1"
);

/// A 32-bit number: as a JSON number, or as text in hexadecimal (`"0xc0189a01"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(pub u32);

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of 32 bits, or one in hexadecimal as text (`\"0x9a01\"`)")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Word, E> {
                u32::try_from(number)
                    .map(Word)
                    .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                let hex = text.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
                hex.map(Word).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl JsonSchema for Word {
    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of 32 bits, or one in hexadecimal as text.",
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                { "type": "string", "pattern": "^0x[0-9a-fA-F]{1,8}$" },
            ],
        })
    }
}
