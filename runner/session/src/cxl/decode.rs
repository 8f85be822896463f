//! CXL's answers as a person reads them. For the reader only: comparison is on the bytes.

use scrubjay_uapi::cxl::feature::GetSupportedOut;
use scrubjay_uapi::cxl::rpc::RpcOutHeader;
use scrubjay_uapi::cxl::{FeatureEntry, KnownFeature, Opcode, ReturnCode};
use scrubjay_wire::Bytes;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use zerocopy::FromBytes;

/// What a device answered to an RPC with this opcode.
pub(crate) fn answer(opcode: u32, out: &[u8]) -> Map<String, Value> {
    let mut decoded = Map::new();
    let Ok((header, payload)) = RpcOutHeader::read_from_prefix(out) else {
        return decoded;
    };
    let size = header.size.get();
    decoded.insert("size".into(), json!(size));
    let code = u16::try_from(header.retval.get()).map(ReturnCode);
    let name = code.map_or_else(|_| header.retval.get().to_string(), |code| code.to_string());
    decoded.insert("retval".into(), json!(name));
    let of_features = Opcode::from_number(opcode as u16)
        .filter(|opcode| matches!(opcode, Opcode::GetSupportedFeatures | Opcode::GetFeature));
    decoded.extend(of_features.map(|opcode| answer_payload(Some(opcode), payload, size)).unwrap_or_default());
    decoded
}

/// An answer's payload of `size` bytes, as much of it as there is.
pub(crate) fn answer_payload(opcode: Option<Opcode>, payload: &[u8], size: u32) -> Map<String, Value> {
    let payload = &payload[..payload.len().min(size as usize)];
    match opcode {
        Some(Opcode::GetSupportedFeatures) => supported(payload),
        _ if payload.is_empty() => Map::new(),
        _ => Map::from_iter([("data".to_owned(), json!(Bytes::from(payload)))]),
    }
}

/// The most Features that are decoded of one answer: far above what any device has. A list of some MiB, each entry
/// with its names, would be a hundred.
const MOST_FEATURES: usize = 1024;

fn supported(payload: &[u8]) -> Map<String, Value> {
    let mut decoded = Map::new();
    if let Ok((header, mut rest)) = GetSupportedOut::read_from_prefix(payload) {
        decoded.insert("supported-features".into(), json!(header.supported_feats.get()));
        decoded.insert("entries".into(), json!(header.num_entries.get()));
        let mut features = Vec::new();
        while features.len() < MOST_FEATURES
            && let Ok((entry, more)) = FeatureEntry::read_from_prefix(rest)
        {
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
fn feature_name(uuid: Uuid) -> String {
    KnownFeature::from_uuid(uuid).map_or_else(|| uuid.to_string(), |known| known.name().to_owned())
}
