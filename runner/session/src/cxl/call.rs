//! Lays out what an RPC carries to a CXL device: the header and the command's payload.

use scrubjay_uapi::cxl::feature::{GetFeatureIn, GetSupportedIn, SetFeatureIn, WireUuid};
use scrubjay_uapi::cxl::rpc::{RPC_OUT_SIZE, RpcHeader};
use scrubjay_uapi::cxl::{FeatureEntry, Opcode};
use scrubjay_uapi::fwctl::MAX_RPC_LEN;
use scrubjay_wire::Bytes;
use uuid::Uuid;
use zerocopy::IntoBytes;

use crate::action;
use crate::call::{self, Call};
use crate::cxl::action::{GetFeature, GetSupportedFeatures, Rpc, SetFeature};
use crate::cxl::names::OpcodeName;
use crate::names::ScopeName;

/// FWCTL_RPC with Get Supported Features.
pub fn get_supported(get: &GetSupportedFeatures) -> Call {
    let payload =
        GetSupportedIn { count: get.count.into(), start_idx: get.start.into(), ..Default::default() };
    let entry = size_of::<FeatureEntry>() as u32;
    // What a program asks for that it wants whole: the longest answer that the driver can make of it.
    let answer = (get.count / entry * entry).saturating_add(8 + RPC_OUT_SIZE as u32).min(MAX_RPC_LEN);
    let opcode = Opcode::GetSupportedFeatures.into();
    features(&get.slot, get.scope, opcode, payload.as_bytes(), answer, &get.call)
}

/// FWCTL_RPC with Get Feature.
pub fn get_feature(get: &GetFeature, uuid: Uuid) -> Call {
    let payload = GetFeatureIn {
        uuid: WireUuid::from(uuid),
        offset: get.offset.into(),
        count: get.count.into(),
        selection: get.selection.0,
    };
    let answer = RPC_OUT_SIZE as u32 + u32::from(get.count);
    features(&get.slot, get.scope, Opcode::GetFeature.into(), payload.as_bytes(), answer, &get.call)
}

/// FWCTL_RPC with Set Feature.
pub fn set_feature(set: &SetFeature, uuid: Uuid, version: u8) -> Call {
    let header = SetFeatureIn {
        uuid: WireUuid::from(uuid),
        flags: set.flags.into(),
        offset: set.offset.into(),
        version,
        rsvd: [0; 9],
    };
    let payload = [header.as_bytes(), &set.data].concat();
    features(&set.slot, set.scope, Opcode::SetFeature.into(), &payload, RPC_OUT_SIZE as u32, &set.call)
}

/// FWCTL_RPC with anything.
pub fn rpc(rpc: &Rpc) -> Call {
    features(&rpc.slot, rpc.scope, rpc.opcode, &rpc.payload, RPC_OUT_SIZE as u32, &rpc.call)
}

fn features(
    slot: &str,
    scope: ScopeName,
    opcode: OpcodeName,
    payload: &[u8],
    answer: u32,
    call: &action::Call,
) -> Call {
    let opcode = call.opcode.unwrap_or(opcode).0;
    let header = RpcHeader {
        opcode: opcode.into(),
        flags: call.flags.into(),
        op_size: call.op_size.unwrap_or(payload.len() as u32).into(),
        reserved1: call.reserved.into(),
    };
    let input = Bytes([header.as_bytes(), payload, &call.surplus].concat());
    call::rpc(slot, scope.0, opcode, input, answer, call)
}
