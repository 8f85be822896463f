//! Bit fields with a name for each bit: Feature attribute flags and Set Feature effects.
//!
//! In JSON they are lists of names; a bit without a name is `bit-N`, so nothing is lost.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One name: the bits that it stands for, and the mask of the field that they lie in.
struct Named {
    name: &'static str,
    value: u32,
    mask: u32,
}

const fn bit(bit: u32, name: &'static str) -> Named {
    Named { name, value: 1 << bit, mask: 1 << bit }
}

const fn field(value: u32, shift: u32, width: u32, name: &'static str) -> Named {
    Named { name, value: value << shift, mask: ((1 << width) - 1) << shift }
}

/// CXL r3.2, 8.2.10.6.1, Supported Feature Entry, Attribute Flags; `CXL_FEATURE_F_*`.
const FLAGS: &[Named] = &[
    bit(0, "changeable"),
    // Bits 3:1, deepest reset persistence: a number, not three bits.
    field(1, 1, 3, "persists-over-cxl-reset"),
    field(2, 1, 3, "persists-over-hot-reset"),
    field(3, 1, 3, "persists-over-warm-reset"),
    field(4, 1, 3, "persists-over-cold-reset"),
    bit(4, "persists-over-firmware-update"),
    bit(5, "default-selection"),
    bit(6, "saved-selection"),
];

/// CXL r3.2, Command Effects Log, Command Effect; `CXL_CMD_*` in include/uapi/cxl/features.h.
const EFFECTS: &[Named] = &[
    bit(0, "configuration-change-cold-reset"),
    bit(1, "immediate-configuration-change"),
    bit(2, "immediate-data-change"),
    bit(3, "immediate-policy-change"),
    bit(4, "immediate-log-change"),
    bit(5, "security-state-change"),
    bit(6, "background"),
    bit(7, "background-abort-supported"),
    bit(9, "effects-valid"),
    bit(10, "configuration-change-conventional-reset"),
    bit(11, "configuration-change-cxl-reset"),
];

fn names(table: &[Named], bits: u32) -> Vec<String> {
    let mut out = Vec::new();
    let mut left = bits;
    for row in table {
        if bits & row.mask == row.value {
            out.push(row.name.to_owned());
            left &= !row.mask;
        }
    }
    out.extend((0..32).filter(|b| left & 1 << b != 0).map(|b| format!("bit-{b}")));
    out
}

/// The value that one name stands for, and the mask of its field.
fn parse(table: &[Named], width: u32, name: &str) -> Result<(u32, u32), String> {
    if let Some(row) = table.iter().find(|row| row.name == name) {
        return Ok((row.value, row.mask));
    }
    if let Some(bit) = name.strip_prefix("bit-").and_then(|n| n.parse::<u32>().ok())
        && bit < width
    {
        return Ok((1 << bit, 1 << bit));
    }
    let known: Vec<_> = table.iter().map(|row| row.name).collect();
    Err(format!("unknown name `{name}`, expected one of {} or bit-0 to bit-{}", known.join(", "), width - 1))
}

fn parse_all(table: &[Named], width: u32, names: &[String]) -> Result<u32, String> {
    let (mut bits, mut taken) = (0, 0);
    for name in names {
        let (value, mask) = parse(table, width, name)?;
        if taken & mask != 0 {
            return Err(format!("`{name}` stands for bits that another name in the list has taken"));
        }
        bits |= value;
        taken |= mask;
    }
    Ok(bits)
}

fn schema(table: &[Named], about: &str) -> Schema {
    let known: Vec<_> = table.iter().map(|row| row.name).collect();
    json_schema!({
        "description": about,
        "type": "array",
        "items": {
            "type": "string",
            "anyOf": [{ "enum": known }, { "pattern": "^bit-[0-9]+$" }],
        },
    })
}

macro_rules! bit_set {
    ($(#[$doc:meta])* $set:ident($raw:ty), $table:ident, $about:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $set(pub $raw);

        impl $set {
            /// The names of the bits that are set, lowest first; `bit-N` where there is no name.
            pub fn names(self) -> Vec<String> {
                names($table, u32::from(self.0))
            }

            /// The bits that one name stands for.
            ///
            /// # Errors
            /// A sentence with the names that there are.
            pub fn parse(name: &str) -> Result<Self, String> {
                // The width bounds the value, so it fits.
                parse($table, <$raw>::BITS, name).map(|(bits, _)| $set(bits as $raw))
            }

            /// Whether all bits of `other` are set.
            pub fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any bit of `other` is set.
            pub fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }
        }

        impl Serialize for $set {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.names().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $set {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let names = Vec::<String>::deserialize(deserializer)?;
                let bits = parse_all($table, <$raw>::BITS, &names).map_err(serde::de::Error::custom)?;
                Ok($set(bits as $raw))
            }
        }

        impl JsonSchema for $set {
            fn schema_name() -> Cow<'static, str> {
                stringify!($set).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schema($table, $about)
            }
        }
    };
}

bit_set!(
    /// Attribute flags of a Feature.
    FeatureFlags(u32), FLAGS, "Attribute flags of a Feature, by name."
);
bit_set!(
    /// What a command does, in the CEL or as a Feature's Set Feature effects.
    Effects(u16), EFFECTS, "Effects of a command, by name."
);

impl FeatureFlags {
    /// Set Feature is allowed.
    pub const CHANGEABLE: Self = Self(1 << 0);
    /// Mask of the deepest reset persistence field: 0 none, 1 CXL reset, 2 hot, 3 warm, 4 cold reset.
    pub const PERSISTENCE: Self = Self(0b1110);
    /// The value survives a firmware update.
    pub const PERSIST_FIRMWARE_UPDATE: Self = Self(1 << 4);
    /// Get Feature knows the default value.
    pub const DEFAULT_SELECTION: Self = Self(1 << 5);
    /// Get Feature knows the saved value.
    pub const SAVED_SELECTION: Self = Self(1 << 6);
}

impl Effects {
    /// Configuration changes after a cold reset.
    pub const COLD_RESET: Self = Self(1 << 0);
    /// Configuration changes at once.
    pub const IMMEDIATE_CONFIG: Self = Self(1 << 1);
    /// Data changes at once.
    pub const IMMEDIATE_DATA: Self = Self(1 << 2);
    /// Policy changes at once.
    pub const IMMEDIATE_POLICY: Self = Self(1 << 3);
    /// A log changes at once.
    pub const IMMEDIATE_LOG: Self = Self(1 << 4);
    /// The security state changes.
    pub const SECURITY_STATE: Self = Self(1 << 5);
    /// Runs in the background.
    pub const BACKGROUND: Self = Self(1 << 6);
    /// A background run can be aborted.
    pub const BACKGROUND_ABORT: Self = Self(1 << 7);
    /// Bits 10 and 11 mean something.
    pub const EFFECTS_VALID: Self = Self(1 << 9);
    /// Configuration changes after a conventional reset.
    pub const CONVENTIONAL_RESET: Self = Self(1 << 10);
    /// Configuration changes after a CXL reset.
    pub const CXL_RESET: Self = Self(1 << 11);
    /// Bits that mean nothing yet.
    pub const RESERVED: Self = Self(0xf000);
    /// Any effect at once.
    pub const IMMEDIATE: Self = Self(0b1_1110);
    /// Any effect after a reset.
    pub const AFTER_RESET: Self = Self(1 << 0 | 1 << 10 | 1 << 11);
}
