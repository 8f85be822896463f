//! Numbers that a person reads better in another form: hexadecimal words, commands by name.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use scrubjay_uapi::cxl::Opcode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! hex {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $raw);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#0width$x}", self.0, width = 2 + <$raw>::BITS as usize / 4)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                let number = text.strip_prefix("0x").and_then(|digits| <$raw>::from_str_radix(digits, 16).ok());
                number.map($name).ok_or_else(|| {
                    serde::de::Error::custom(format!(
                        "`{text}` is not a hexadecimal number of {} bits (write `0x1a`)",
                        <$raw>::BITS
                    ))
                })
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let digits = <$raw>::BITS / 4;
                json_schema!({ "type": "string", "pattern": format!("^0x[0-9a-fA-F]{{1,{digits}}}$") })
            }
        }
    };
}

hex!(
    /// A 16-bit number in hexadecimal.
    Hex16(u16)
);
hex!(
    /// A 32-bit number in hexadecimal.
    Hex32(u32)
);
hex!(
    /// A 64-bit number in hexadecimal.
    Hex64(u64)
);

/// A mailbox command: its name (`get-feature`) or its number (`0xc000`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpcodeRef(pub u16);

impl fmt::Display for OpcodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Opcode::from_number(self.0) {
            Some(opcode) => f.write_str(opcode.name()),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

impl From<Opcode> for OpcodeRef {
    fn from(opcode: Opcode) -> Self {
        OpcodeRef(opcode.number())
    }
}

impl Serialize for OpcodeRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OpcodeRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let by_number = || text.strip_prefix("0x").and_then(|digits| u16::from_str_radix(digits, 16).ok());
        Opcode::from_name(&text).map(Opcode::number).or_else(by_number).map(OpcodeRef).ok_or_else(|| {
            let known: Vec<_> = Opcode::ALL.iter().map(|o| o.name()).collect();
            serde::de::Error::custom(format!(
                "unknown mailbox command `{text}`, expected a number (`0x0500`) or one of {}",
                known.join(", ")
            ))
        })
    }
}

impl JsonSchema for OpcodeRef {
    fn schema_name() -> Cow<'static, str> {
        "MailboxOpcode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let known: Vec<_> = Opcode::ALL.iter().map(|o| o.name()).collect();
        json_schema!({
            "description": "A mailbox command, by name or number.",
            "type": "string",
            "anyOf": [{ "enum": known }, { "pattern": "^0x[0-9a-fA-F]{1,4}$" }],
        })
    }
}

/// The schema of [`super::Profile::schema`].
pub(super) fn schema_tag(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": super::FORMAT })
}

/// The schema of [`super::Profile::until`].
pub(super) fn schema_probe(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["present", "memdev", "endpoint", "node"] })
}

/// The schema of a UUID.
pub(super) fn schema_uuid(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "uuid" })
}
