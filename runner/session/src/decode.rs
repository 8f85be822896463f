//! Raw bytes as a person reads them. For the reader only: comparison is on the bytes.

use scrubjay_uapi::cxl::feature::{GetSupportedOut, SetFeatureIn};
use scrubjay_uapi::cxl::rpc::RpcOutHeader;
use scrubjay_uapi::cxl::{FeatureEntry, KnownFeature, Opcode, ReturnCode};
use scrubjay_uapi::fwctl::{DeviceType, Info, Rpc};
use scrubjay_wire::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;
use zerocopy::FromBytes;

use crate::lower::Shape;
use crate::observation::{OK, Observation};

/// The decoded form of an observation; null where there is nothing to decode.
pub fn observation(shape: &Shape, seen: &Observation) -> Value {
    if seen.errno != OK {
        return Value::Null;
    }
    match shape {
        Shape::Info => info(seen),
        Shape::Rpc { opcode, .. } => rpc(*opcode, seen),
        _ => Value::Null,
    }
}

fn info(seen: &Observation) -> Value {
    let Some(arg) = seen.arg.as_ref().and_then(|arg| Info::read_from_prefix(arg).ok()) else {
        return Value::Null;
    };
    let number = arg.0.out_device_type.get();
    let name = DeviceType::from_number(number).map_or_else(|| number.to_string(), |t| t.name().to_owned());
    json!({ "device-type": name, "device-data-len": arg.0.device_data_len.get() })
}

fn rpc(opcode: u32, seen: &Observation) -> Value {
    let mut decoded = serde_json::Map::new();
    if let Some((arg, _)) = seen.arg.as_ref().and_then(|arg| Rpc::read_from_prefix(arg).ok()) {
        decoded.insert("out-len".into(), json!(arg.out_len.get()));
    }
    if let Some((header, payload)) =
        seen.out.as_ref().and_then(|out| RpcOutHeader::read_from_prefix(out).ok())
    {
        let size = header.size.get();
        decoded.insert("size".into(), json!(size));
        let code = u16::try_from(header.retval.get()).map(ReturnCode);
        let name = code.map_or_else(|_| header.retval.get().to_string(), |code| code.to_string());
        decoded.insert("retval".into(), json!(name));
        let payload = &payload[..payload.len().min(size as usize)];
        match Opcode::from_number(opcode as u16) {
            Some(Opcode::GetSupportedFeatures) => {
                decoded.extend(supported(payload));
            }
            Some(Opcode::GetFeature) if !payload.is_empty() => {
                decoded.insert("data".into(), json!(Bytes::from(payload)));
            }
            _ => {}
        }
    }
    Value::Object(decoded)
}

fn supported(payload: &[u8]) -> serde_json::Map<String, Value> {
    let mut decoded = serde_json::Map::new();
    if let Ok((header, mut rest)) = GetSupportedOut::read_from_prefix(payload) {
        decoded.insert("supported-features".into(), json!(header.supported_feats.get()));
        decoded.insert("entries".into(), json!(header.num_entries.get()));
        let mut features = Vec::new();
        while let Ok((entry, more)) = FeatureEntry::read_from_prefix(rest) {
            features.push(feature(&entry));
            rest = more;
        }
        if !features.is_empty() {
            decoded.insert("features".into(), Value::Array(features));
        }
    }
    decoded
}

fn feature(entry: &FeatureEntry) -> Value {
    let mut decoded = json!({
        "feature": feature_name(entry.uuid.into()),
        "id": entry.id.get(),
        "get-size": entry.get_feat_size.get(),
        "set-size": entry.set_feat_size.get(),
        "flags": entry.flags().names(),
        "get-version": entry.get_feat_ver,
        "set-version": entry.set_feat_ver,
        "effects": entry.effects().names(),
    });
    if entry.reserved != [0; 18] {
        decoded["reserved"] = json!(Bytes::from(&entry.reserved[..]));
    }
    decoded
}

/// A Feature's name in the kernel's list, else its UUID.
pub fn feature_name(uuid: Uuid) -> String {
    KnownFeature::from_uuid(uuid).map_or_else(|| uuid.to_string(), |known| known.name().to_owned())
}

/// The transfer and offset of a Set Feature that the firmware received, as a person reads them.
pub fn set_feature(input: &[u8]) -> Option<String> {
    let (header, data) = SetFeatureIn::read_from_prefix(input).ok()?;
    let transfer = header.transfer().map_or_else(|n| format!("transfer-{n}"), |t| t.name().to_owned());
    let saved = if header.saved_across_reset() { ", saved" } else { "" };
    let uuid = feature_name(header.uuid.into());
    Some(format!("{uuid} {transfer} at {}{saved}: {}", header.offset.get(), Bytes::from(data)))
}
