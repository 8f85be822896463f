//! CXL values that a session writes by name: Features, selections, opcodes and commands of the memdev.

use scrubjay_uapi::cxl::{KnownFeature, MemdevCommand, Opcode, Selection};
use uuid::Uuid;

use crate::names::named;

/// The Feature that a session means by a name which its device's profile does not have: one of the kernel's list, or a
/// UUID.
pub fn feature(name: &str) -> Option<Uuid> {
    let known = KnownFeature::from_name(name).map(KnownFeature::uuid);
    known.or_else(|| Uuid::parse_str(name).ok())
}

named!(
    /// A selection by name, or any 8-bit number.
    SelectionName, Selection, u8, "2"
);
named!(
    /// An opcode by name, or any 32-bit number: the RPC header's field is that wide.
    OpcodeName, Opcode, u32, "4"
);

named!(
    /// A command of the memdev's node by name, or any 32-bit number.
    MemdevCommandName, MemdevCommand, u32, "2"
);

/// A mailbox return code: by name as in profiles, or as a number.
pub(crate) mod code {
    use std::borrow::Cow;
    use std::fmt;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use scrubjay_uapi::cxl::ReturnCode;
    use serde::de::{Error, IntoDeserializer, Unexpected, Visitor};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(code: &ReturnCode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(code.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReturnCode, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = ReturnCode;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a return code: its name, or a number of 16 bits")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<ReturnCode, E> {
                let code = u16::try_from(number).map(ReturnCode);
                code.map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ReturnCode, E> {
                ReturnCode::deserialize(text.into_deserializer())
            }
        }
        deserializer.deserialize_any(Read)
    }

    /// The schema of both forms.
    pub struct Form;

    impl JsonSchema for Form {
        fn schema_name() -> Cow<'static, str> {
            "ReturnCodeOrNumber".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let named = generator.subschema_for::<ReturnCode>();
            json_schema!({ "anyOf": [named, { "type": "integer", "minimum": 0, "maximum": u16::MAX }] })
        }
    }
}
