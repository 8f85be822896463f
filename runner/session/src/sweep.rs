//! Sweeps, one call many times over in one step: what moves and what is collected.

use schemars::JsonSchema;
use scrubjay_wire::op::Values;
use serde::{Deserialize, Serialize};

/// One moving value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vary {
    /// The places that take it.
    pub places: Vec<Moving>,
    /// The values.
    pub values: Values,
}

/// A place that a sweep can move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moving {
    /// The command word.
    Request,
    /// `size` of either structure.
    Size,
    /// `flags` of FWCTL_INFO.
    InfoFlags,
    /// `device_data_len`.
    DeviceDataLen,
    /// `scope`.
    Scope,
    /// `in_len`.
    InLen,
    /// `out_len`.
    OutLen,
    /// The RPC header's `opcode`.
    Opcode,
    /// The RPC header's `flags`.
    HeaderFlags,
    /// The RPC header's `op_size`.
    OpSize,
    /// The RPC header's `reserved1`.
    HeaderReserved,
    /// Get Supported Features: bytes of entries.
    SupportedCount,
    /// Get Supported Features: first entry.
    SupportedStart,
    /// Get Feature: the first 4 bytes of the UUID, little-endian.
    GetUuid,
    /// Get Feature: first byte.
    GetOffset,
    /// Get Feature: bytes.
    GetCount,
    /// Get Feature: selection.
    GetSelection,
    /// Set Feature: the first 4 bytes of the UUID, little-endian.
    SetUuid,
    /// Set Feature: flags.
    SetFlags,
    /// Set Feature: first byte.
    SetOffset,
    /// Set Feature: version.
    SetVersion,
}

/// An answer that a sweep collects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Collected {
    /// `out_len` of the RPC structure.
    OutLen,
    /// `out_device_type` of the INFO structure.
    DeviceType,
    /// `size` of the answer.
    OutSize,
    /// `retval` of the answer.
    Retval,
}

impl Moving {
    /// The name that JSON uses.
    pub(crate) fn name(self) -> String {
        json_name(&self)
    }
}

impl Collected {
    /// The name that JSON uses.
    pub(crate) fn name(self) -> String {
        json_name(&self)
    }
}

fn json_name(word: &impl Serialize) -> String {
    let json = serde_json::to_value(word).ok();
    json.and_then(|json| Some(json.as_str()?.to_owned())).unwrap_or_default()
}
