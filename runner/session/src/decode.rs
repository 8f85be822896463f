//! Raw bytes as a person reads them. For the reader only: comparison is on the bytes.

use scrubjay_uapi::fwctl::{DeviceType, Info, Rpc};
use serde_json::{Map, Value, json};
use zerocopy::FromBytes;

use crate::cxl;
use crate::observation::{OK, Observation};
use crate::shape::Shape;

/// The decoded form of an observation; null where there is nothing to decode.
pub fn observation(shape: &Shape, seen: &Observation) -> Value {
    if seen.errno != OK {
        return Value::Null;
    }
    match shape {
        Shape::Info => info(seen),
        Shape::Rpc { opcode, .. } => rpc(*opcode, seen),
        Shape::MemdevQuery => cxl::memdev::commands(seen),
        Shape::MemdevSend { opcode, .. } => cxl::memdev::answer(*opcode, seen),
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
    let mut decoded = Map::new();
    if let Some((arg, _)) = seen.arg.as_ref().and_then(|arg| Rpc::read_from_prefix(arg).ok()) {
        decoded.insert("out-len".into(), json!(arg.out_len.get()));
    }
    if let Some(out) = &seen.out {
        decoded.extend(cxl::decode::answer(opcode, out));
    }
    Value::Object(decoded)
}
