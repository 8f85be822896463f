//! Lays out the ioctls of a session: structures, headers, payloads, pointers between them.

use core::mem::offset_of;

use scrubjay_uapi::cxl::feature::{GetFeatureIn, GetSupportedIn, SetFeatureIn, WireUuid};
use scrubjay_uapi::cxl::rpc::{RPC_OUT_SIZE, RpcHeader, RpcOutHeader};
use scrubjay_uapi::cxl::{FeatureEntry, Opcode};
use scrubjay_uapi::fwctl::{FWCTL_INFO, FWCTL_RPC, Info as InfoStruct, MAX_RPC_LEN, Rpc as RpcStruct};
use scrubjay_wire::{Arg, Buffer, Bytes, Ioctl, Link, Placement, Sweep as WireSweep, Vary as WireVary};
use uuid::Uuid;
use zerocopy::IntoBytes;

use crate::lower::{Shape, is_open};
use crate::step::{self, GetFeature, GetSupportedFeatures, Info, RawIoctl, Rpc, SetFeature};
use crate::sweep::{Collected, Moving, Sweep};

/// The structure's buffer.
const ARG: u8 = 0;
/// The input's buffer, for RPC; the data's, for INFO.
const INPUT: u8 = 1;
/// The output's buffer.
const OUTPUT: u8 = 2;
/// What a sweep calls the command word.
const COMMAND_WORD: u8 = 255;
/// The longest buffer that is really laid: above the 2 MiB that an RPC takes.
const LONGEST_BUFFER: usize = 8 << 20;
/// Bytes behind the INFO data that nobody may touch.
const INFO_GUARD: u32 = 4;

/// A laid-out call.
pub struct Call {
    /// For the agent.
    pub ioctl: Ioctl,
    /// How its answer is read.
    pub shape: Shape,
}

/// FWCTL_INFO.
pub fn info(info: &Info) -> Call {
    let call = &info.call;
    let body = InfoStruct {
        size: call.size.unwrap_or((size_of::<InfoStruct>() + call.tail.len()) as u32).into(),
        flags: info.flags.into(),
        device_data_len: info.device_data_len.into(),
        ..InfoStruct::default()
    };
    let arg = argument(body.as_bytes(), call);
    let links = links(arg.bytes.len(), &[(offset_of!(InfoStruct, out_device_data), INPUT)]);
    let data = memory(call.out_bytes.unwrap_or(info.device_data_len.saturating_add(INFO_GUARD)));
    let buffers = vec![arg, Buffer { bytes: data, placement: call.output }];
    Call {
        ioctl: ioctl(&info.slot, call.request.unwrap_or(FWCTL_INFO), buffers, links, call),
        shape: Shape::Info,
    }
}

/// FWCTL_RPC with Get Supported Features.
pub fn get_supported(get: &GetSupportedFeatures) -> Call {
    let payload =
        GetSupportedIn { count: get.count.into(), start_idx: get.start.into(), ..Default::default() };
    let entry = size_of::<FeatureEntry>() as u32;
    // What a program asks for that it wants whole: the longest answer that the driver can make of it.
    let answer = (get.count / entry * entry).saturating_add(8 + RPC_OUT_SIZE as u32).min(MAX_RPC_LEN);
    let opcode = Opcode::GetSupportedFeatures.into();
    features(&get.slot, get.scope.0, opcode, payload.as_bytes(), answer, &get.call)
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
    features(&get.slot, get.scope.0, Opcode::GetFeature.into(), payload.as_bytes(), answer, &get.call)
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
    features(&set.slot, set.scope.0, Opcode::SetFeature.into(), &payload, RPC_OUT_SIZE as u32, &set.call)
}

/// FWCTL_RPC with anything.
pub fn rpc(rpc: &Rpc) -> Call {
    features(&rpc.slot, rpc.scope.0, rpc.opcode, &rpc.payload, RPC_OUT_SIZE as u32, &rpc.call)
}

/// Any ioctl.
pub fn raw(raw: &RawIoctl) -> Call {
    let ioctl = Ioctl {
        slot: raw.slot.clone(),
        request: raw.request,
        arg: Arg::Buffer,
        buffers: vec![Buffer { bytes: raw.bytes.clone(), placement: raw.arg }],
        links: Vec::new(),
        entry: raw.entry,
    };
    Call { ioctl, shape: Shape::Ioctl }
}

fn features(
    slot: &str,
    scope: u32,
    opcode: crate::names::OpcodeName,
    payload: &[u8],
    answer: u32,
    call: &step::Call,
) -> Call {
    let opcode = call.opcode.unwrap_or(opcode).0;
    let header = RpcHeader {
        opcode: opcode.into(),
        flags: call.flags.into(),
        op_size: call.op_size.unwrap_or(payload.len() as u32).into(),
        reserved1: call.reserved.into(),
    };
    let input = Bytes([header.as_bytes(), payload, &call.surplus].concat());
    let out_len = call.out_len.unwrap_or(answer);
    let body = RpcStruct {
        size: call.size.unwrap_or((size_of::<RpcStruct>() + call.tail.len()) as u32).into(),
        scope: scope.into(),
        in_len: call.in_len.unwrap_or(input.len() as u32).into(),
        out_len: out_len.into(),
        ..RpcStruct::default()
    };
    let arg = argument(body.as_bytes(), call);
    let pointers = [(offset_of!(RpcStruct, input), INPUT), (offset_of!(RpcStruct, output), OUTPUT)];
    let links = links(arg.bytes.len(), &pointers);
    let output = memory(call.out_bytes.unwrap_or(out_len));
    let buffers = vec![
        arg,
        Buffer { bytes: input.clone(), placement: call.input },
        Buffer { bytes: output, placement: call.output },
    ];
    let ioctl = ioctl(slot, call.request.unwrap_or(FWCTL_RPC), buffers, links, call);
    let input = if is_open(call.input) { input } else { Bytes::default() };
    Call { ioctl, shape: Shape::Rpc { opcode, input } }
}

/// Untouched memory; a length that no program would have memory for gets as much as a call can
/// fill, and what lies behind it is not mapped.
fn memory(len: u32) -> Bytes {
    Bytes::untouched((len as usize).min(LONGEST_BUFFER))
}

fn argument(body: &[u8], call: &step::Call) -> Buffer {
    let mut bytes = [body, &call.tail].concat();
    if let Some(cut) = call.cut {
        bytes.truncate(cut as usize);
    }
    Buffer { bytes: Bytes(bytes), placement: call.arg }
}

/// The pointers that lie wholly within the structure.
fn links(len: usize, pointers: &[(usize, u8)]) -> Vec<Link> {
    let whole = pointers.iter().filter(|(offset, _)| offset + 8 <= len);
    whole.map(|&(offset, to)| Link { buffer: ARG, offset: offset as u32, to }).collect()
}

fn ioctl(slot: &str, request: u32, buffers: Vec<Buffer>, links: Vec<Link>, call: &step::Call) -> Ioctl {
    // Pointers into a structure that has no memory cannot be written.
    let links = if is_open(buffers[0].placement) && !matches!(buffers[0].placement, Placement::SameAs(_)) {
        links
    } else {
        Vec::new()
    };
    Ioctl { slot: slot.to_owned(), request, arg: Arg::Buffer, buffers, links, entry: call.entry }
}

/// A sweep over a call.
///
/// # Errors
/// A place that the call does not have.
pub fn sweep(call: Call, sweep: &Sweep) -> Result<WireSweep, String> {
    let has = |(buffer, offset, width): (u8, u32, u8)| {
        buffer == COMMAND_WORD
            || call
                .ioctl
                .buffers
                .get(usize::from(buffer))
                .is_some_and(|b| offset as usize + usize::from(width) <= b.bytes.len())
    };
    let mut vary = Vec::new();
    for moving in &sweep.vary {
        let places: Vec<_> = moving.places.iter().map(|&place| moving_place(place)).collect();
        if let Some(missing) = places.iter().position(|&place| !has(place)) {
            return Err(format!("this call has no {:?} to move", moving.places[missing]));
        }
        vary.push(WireVary { places, values: moving.values.clone() });
    }
    let collect: Vec<_> = sweep.collect.iter().map(|&word| collected_place(word)).collect();
    if let Some(missing) = collect.iter().position(|&(buffer, offset)| !has((buffer, offset, 4))) {
        return Err(format!("this call has no {:?} to collect", sweep.collect[missing]));
    }
    Ok(WireSweep { ioctl: call.ioctl, vary, collect })
}

/// Where a moving value lies: (buffer, offset, width).
fn moving_place(place: Moving) -> (u8, u32, u8) {
    let header = size_of::<RpcHeader>();
    let (buffer, offset, width) = match place {
        Moving::Request => (COMMAND_WORD, 0, 4),
        Moving::Size => (ARG, offset_of!(RpcStruct, size), 4),
        Moving::InfoFlags => (ARG, offset_of!(InfoStruct, flags), 4),
        Moving::DeviceDataLen => (ARG, offset_of!(InfoStruct, device_data_len), 4),
        Moving::Scope => (ARG, offset_of!(RpcStruct, scope), 4),
        Moving::InLen => (ARG, offset_of!(RpcStruct, in_len), 4),
        Moving::OutLen => (ARG, offset_of!(RpcStruct, out_len), 4),
        Moving::Opcode => (INPUT, offset_of!(RpcHeader, opcode), 4),
        Moving::HeaderFlags => (INPUT, offset_of!(RpcHeader, flags), 4),
        Moving::OpSize => (INPUT, offset_of!(RpcHeader, op_size), 4),
        Moving::HeaderReserved => (INPUT, offset_of!(RpcHeader, reserved1), 4),
        Moving::SupportedCount => (INPUT, header + offset_of!(GetSupportedIn, count), 4),
        Moving::SupportedStart => (INPUT, header + offset_of!(GetSupportedIn, start_idx), 2),
        Moving::GetUuid => (INPUT, header + offset_of!(GetFeatureIn, uuid), 4),
        Moving::GetOffset => (INPUT, header + offset_of!(GetFeatureIn, offset), 2),
        Moving::GetCount => (INPUT, header + offset_of!(GetFeatureIn, count), 2),
        Moving::GetSelection => (INPUT, header + offset_of!(GetFeatureIn, selection), 1),
        Moving::SetUuid => (INPUT, header + offset_of!(SetFeatureIn, uuid), 4),
        Moving::SetFlags => (INPUT, header + offset_of!(SetFeatureIn, flags), 4),
        Moving::SetOffset => (INPUT, header + offset_of!(SetFeatureIn, offset), 2),
        Moving::SetVersion => (INPUT, header + offset_of!(SetFeatureIn, version), 1),
    };
    (buffer, offset as u32, width)
}

/// Where a collected word lies: (buffer, offset).
fn collected_place(word: Collected) -> (u8, u32) {
    let (buffer, offset) = match word {
        Collected::OutLen => (ARG, offset_of!(RpcStruct, out_len)),
        Collected::DeviceType => (ARG, offset_of!(InfoStruct, out_device_type)),
        Collected::OutSize => (OUTPUT, offset_of!(RpcOutHeader, size)),
        Collected::Retval => (OUTPUT, offset_of!(RpcOutHeader, retval)),
    };
    (buffer, offset as u32)
}
