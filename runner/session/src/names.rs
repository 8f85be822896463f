//! Values that a session writes by name, or by number where it means one that has no name.

use scrubjay_uapi::Scope;

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
                        "`{text}` is none of {} and no number of {} bits",
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
