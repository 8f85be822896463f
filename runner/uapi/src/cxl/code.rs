//! Mailbox return codes by name: CXL r3.2, 8.2.8.4.5.1; `CXL_MBOX_CMD_RC_*` in drivers/cxl/cxlmem.h.
//!
//! In JSON a code is its name, or `code-N` for one that this table does not name.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the mailbox status register answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReturnCode(pub u16);

macro_rules! codes {
    ($($number:literal $konst:ident $name:literal,)*) => {
        impl ReturnCode {
            $(
                #[doc = concat!("`", $name, "`.")]
                pub const $konst: Self = Self($number);
            )*
        }

        /// By number, from 0, no gaps.
        const NAMES: &[&str] = &[$($name),*];
    };
}

codes! {
    0x00 SUCCESS "success",
    0x01 BACKGROUND "background-command-started",
    0x02 INVALID_INPUT "invalid-input",
    0x03 UNSUPPORTED "unsupported",
    0x04 INTERNAL_ERROR "internal-error",
    0x05 RETRY_REQUIRED "retry-required",
    0x06 BUSY "busy",
    0x07 MEDIA_DISABLED "media-disabled",
    0x08 FW_TRANSFER_IN_PROGRESS "firmware-transfer-in-progress",
    0x09 FW_TRANSFER_OUT_OF_ORDER "firmware-transfer-out-of-order",
    0x0a FW_VERIFICATION_FAILED "firmware-verification-failed",
    0x0b INVALID_SLOT "invalid-slot",
    0x0c ACTIVATION_FAILED "activation-failed-firmware-rolled-back",
    0x0d COLD_RESET_REQUIRED "activation-failed-cold-reset-required",
    0x0e INVALID_HANDLE "invalid-handle",
    0x0f INVALID_PHYSICAL_ADDRESS "invalid-physical-address",
    0x10 POISON_LIMIT_REACHED "inject-poison-limit-reached",
    0x11 MEDIA_FAILURE "permanent-media-failure",
    0x12 ABORTED "aborted",
    0x13 INVALID_SECURITY_STATE "invalid-security-state",
    0x14 INCORRECT_PASSPHRASE "incorrect-passphrase",
    0x15 UNSUPPORTED_MAILBOX "unsupported-mailbox",
    0x16 INVALID_PAYLOAD_LENGTH "invalid-payload-length",
    0x17 INVALID_LOG "invalid-log",
    0x18 INTERRUPTED "interrupted",
    0x19 UNSUPPORTED_FEATURE_VERSION "unsupported-feature-version",
    0x1a UNSUPPORTED_FEATURE_SELECTION "unsupported-feature-selection-value",
    0x1b FEATURE_TRANSFER_IN_PROGRESS "feature-transfer-in-progress",
    0x1c FEATURE_TRANSFER_OUT_OF_ORDER "feature-transfer-out-of-order",
    0x1d RESOURCES_EXHAUSTED "resources-exhausted",
    0x1e INVALID_EXTENT_LIST "invalid-extent-list",
}

/// The highest code that the kernel's own table has a row for (`CMD_CMD_RC_TABLE`).
pub const HIGHEST_NAMED: u16 = 0x1e;

impl ReturnCode {
    /// The code's name, `code-N` where it has none.
    pub fn name(self) -> Cow<'static, str> {
        match NAMES.get(usize::from(self.0)) {
            Some(name) => Cow::Borrowed(*name),
            None => Cow::Owned(format!("code-{}", self.0)),
        }
    }

    /// The code with this name; `None` for a name that is none.
    pub fn from_name(name: &str) -> Option<Self> {
        let by_name = NAMES.iter().position(|n| *n == name).map(|n| n as u16);
        by_name.or_else(|| name.strip_prefix("code-")?.parse().ok()).map(ReturnCode)
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Serialize for ReturnCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ReturnCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "unknown return code `{name}`, expected code-N or one of {}",
                NAMES.join(", ")
            ))
        })
    }
}

impl JsonSchema for ReturnCode {
    fn schema_name() -> Cow<'static, str> {
        "ReturnCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A mailbox return code.",
            "type": "string",
            "anyOf": [{ "enum": NAMES }, { "pattern": "^code-[0-9]+$" }],
        })
    }
}
