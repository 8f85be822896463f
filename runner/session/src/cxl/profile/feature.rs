//! A Feature in a profile.

use schemars::JsonSchema;
use scrubjay_uapi::cxl::feature::WireUuid;
use scrubjay_uapi::cxl::{Effects, FeatureEntry, FeatureFlags, KnownFeature, Selection};
use scrubjay_wire::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::text::{Hex16, Hex32};

/// A Feature: its entry in the list and its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Feature {
    /// Unique in the profile. A name of the kernel's exclusive Features (`patrol-scrub`, …) stands
    /// for that Feature, with its UUID and layout.
    pub name: String,
    /// The UUID of a vendor Feature; absent for one that the name stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::text::schema_uuid")]
    pub uuid: Option<Uuid>,
    /// Bytes that Get Feature gives, at least 1.
    pub get_size: u16,
    /// Bytes that Set Feature takes; 0 for one that cannot be changed.
    #[serde(default)]
    pub set_size: u16,
    /// Attribute flags.
    #[serde(default)]
    pub flags: FeatureFlags,
    /// What a Set Feature does.
    #[serde(default)]
    pub effects: Effects,
    /// Version of the readable data.
    #[serde(default = "default_version")]
    pub get_version: u8,
    /// Version of the data that Set Feature takes.
    #[serde(default = "default_version")]
    pub set_version: u8,
    /// The current value, `get-size` bytes.
    #[schemars(with = "String")]
    pub current: Bytes,
    /// The default value; the current one where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub default: Option<Bytes>,
    /// The saved value; the current one where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub saved: Option<Bytes>,
    /// Which bits of the first `set-size` bytes a Set Feature may change, all where it is not given;
    /// a Set Feature that would change another is refused with `invalid-input`. For vendor Features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub writable: Option<Bytes>,
    /// What the entry in the list says instead of the truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryOverride>,
}

/// Fields of a Supported Feature Entry that lie.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct EntryOverride {
    /// Another UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::text::schema_uuid")]
    pub uuid: Option<Uuid>,
    /// Another index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
    /// Another readable size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get_size: Option<u16>,
    /// Another writable size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_size: Option<u16>,
    /// Other attribute flags, all 32 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<Hex32>,
    /// Another Get Feature version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get_version: Option<u8>,
    /// Another Set Feature version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_version: Option<u8>,
    /// Other effects, all 16 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effects: Option<Hex16>,
    /// The 18 reserved bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub reserved: Option<Bytes>,
}

fn default_version() -> u8 {
    1
}

impl Feature {
    /// The Feature of the kernel's exclusive list that this is.
    pub fn known(&self) -> Option<KnownFeature> {
        match self.uuid {
            Some(uuid) => KnownFeature::from_uuid(uuid),
            None => KnownFeature::from_name(&self.name),
        }
    }

    /// The UUID that Get Feature and Set Feature answer to. Nil for a profile that was not checked.
    pub fn uuid(&self) -> Uuid {
        self.uuid.or_else(|| self.known().map(KnownFeature::uuid)).unwrap_or_default()
    }

    /// The value that a reset of the profile brings back.
    pub fn value(&self, selection: Selection) -> &[u8] {
        match selection {
            Selection::Current => &self.current,
            Selection::Default => self.default.as_ref().unwrap_or(&self.current),
            Selection::Saved => self.saved.as_ref().unwrap_or(&self.current),
        }
    }

    /// The entry in the list at this index, as the device gives it.
    pub fn entry(&self, index: u16) -> FeatureEntry {
        let lies = self.entry.clone().unwrap_or_default();
        let mut reserved = [0; 18];
        if let Some(bytes) = lies.reserved {
            reserved.iter_mut().zip(bytes.iter()).for_each(|(to, from)| *to = *from);
        }
        FeatureEntry {
            uuid: WireUuid::from(lies.uuid.unwrap_or_else(|| self.uuid())),
            id: lies.id.unwrap_or(index).into(),
            get_feat_size: lies.get_size.unwrap_or(self.get_size).into(),
            set_feat_size: lies.set_size.unwrap_or(self.set_size).into(),
            flags: lies.flags.map_or(self.flags.0, |f| f.0).into(),
            get_feat_ver: lies.get_version.unwrap_or(self.get_version),
            set_feat_ver: lies.set_version.unwrap_or(self.set_version),
            effects: lies.effects.map_or(self.effects.0, |e| e.0).into(),
            reserved,
        }
    }
}
