//! Lays out the ioctls of a session: structures, headers, payloads, pointers between them.

use core::mem::offset_of;

use scrubjay_uapi::fwctl::{FWCTL_INFO, FWCTL_RPC, Info as InfoStruct, Rpc as RpcStruct};
use scrubjay_wire::{
    Arg, Buffer, Bytes, Entry32, Ioctl, Link, Placement, Sweep as WireSweep, Vary as WireVary,
};
use zerocopy::IntoBytes;

use crate::action::{self, Info, RawIoctl};
use crate::cxl;
use crate::shape::Shape;
use crate::step::Sweep;
use crate::sweep::{Collected, Moving};
use crate::wrong::Wrong;

/// The structure's buffer.
pub(crate) const ARG: u8 = 0;
/// The input's buffer, for RPC; the data's, for INFO.
pub(crate) const INPUT: u8 = 1;
/// The output's buffer.
pub(crate) const OUTPUT: u8 = 2;
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
        ioctl: ioctl(&info.slot, call.request.map_or(FWCTL_INFO, |word| word.0), buffers, links, call.entry),
        shape: Shape::Info,
    }
}

/// Any ioctl.
pub fn raw(raw: &RawIoctl) -> Call {
    let ioctl = Ioctl {
        slot: raw.slot.clone(),
        request: raw.request.0,
        arg: Arg::Buffer,
        buffers: vec![Buffer { bytes: raw.bytes.clone(), placement: raw.arg }],
        links: Vec::new(),
        entry: raw.entry,
    };
    Call { ioctl, shape: Shape::Ioctl }
}

/// FWCTL_RPC: a driver's header and payload in, an answer of `answer` bytes out, where `call` says
/// nothing else. `opcode` is what the header asks for.
pub(crate) fn rpc(
    slot: &str,
    scope: u32,
    opcode: u32,
    input: Bytes,
    answer: u32,
    call: &action::Call,
) -> Call {
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
    let ioctl = ioctl(slot, call.request.map_or(FWCTL_RPC, |word| word.0), buffers, links, call.entry);
    let input = if is_open(call.input) { input } else { Bytes::default() };
    Call { ioctl, shape: Shape::Rpc { opcode, input } }
}

/// Untouched memory; a length that no program would have memory for gets as much as a call can
/// fill, and what lies behind it is not mapped.
pub(crate) fn memory(len: u32) -> Bytes {
    Bytes::untouched((len as usize).min(LONGEST_BUFFER))
}

fn argument(body: &[u8], call: &action::Call) -> Buffer {
    structure([body, &call.tail].concat(), call.cut, call.arg)
}

/// A structure, whole or cut short.
pub(crate) fn structure(mut bytes: Vec<u8>, cut: Option<u32>, placement: Placement) -> Buffer {
    if let Some(cut) = cut {
        bytes.truncate(cut as usize);
    }
    Buffer { bytes: Bytes(bytes), placement }
}

/// The pointers that lie wholly within the structure.
pub(crate) fn links(len: usize, pointers: &[(usize, u8)]) -> Vec<Link> {
    let whole = pointers.iter().filter(|(offset, _)| offset + 8 <= len);
    whole.map(|&(offset, to)| Link { buffer: ARG, offset: offset as u32, to }).collect()
}

pub(crate) fn ioctl(
    slot: &str,
    request: u32,
    buffers: Vec<Buffer>,
    links: Vec<Link>,
    entry: Entry32,
) -> Ioctl {
    // Pointers into a structure that has no memory cannot be written.
    let links = if is_open(buffers[0].placement) && !matches!(buffers[0].placement, Placement::SameAs(_)) {
        links
    } else {
        Vec::new()
    };
    Ioctl { slot: slot.to_owned(), request, arg: Arg::Buffer, buffers, links, entry }
}

/// A sweep over a call.
///
/// # Errors
/// A place that the call does not have, is moved twice, or is too small for a value.
pub(crate) fn sweep(call: Call, sweep: &Sweep) -> Result<WireSweep, Wrong> {
    let has = |(buffer, offset, width): (u8, u32, u8)| {
        buffer == COMMAND_WORD
            || call
                .ioctl
                .buffers
                .get(usize::from(buffer))
                .is_some_and(|b| offset as usize + usize::from(width) <= b.bytes.len())
    };
    let mut vary = Vec::new();
    let mut moved = Vec::new();
    for (v, moving) in sweep.vary.iter().enumerate() {
        let most = moving.values.most();
        let mut places = Vec::new();
        for (p, &place) in moving.places.iter().enumerate() {
            let wrong = |why| Wrong { place: format!("sweep.vary[{v}].places[{p}]"), why };
            let name = place.name();
            let at = moving_place(place).filter(|&at| has(at) && cxl::places::can_move(&sweep.call, place));
            let at = at.ok_or_else(|| wrong(format!("`{}` has no `{name}` to move", sweep.call.key())))?;
            let bits = 8 * u32::from(at.2);
            if moved.contains(&at) {
                return Err(wrong(format!("`{name}` is moved twice")));
            }
            if most.checked_shr(bits).unwrap_or(0) != 0 {
                return Err(wrong(format!("`{name}` has {bits} bits, which {most} does not fit into")));
            }
            moved.push(at);
            places.push(at);
        }
        vary.push(WireVary { places, values: moving.values.clone() });
    }
    let mut collect = Vec::new();
    for (c, &word) in sweep.collect.iter().enumerate() {
        let at = collected_place(word);
        let at =
            at.filter(|&(buffer, at)| has((buffer, at, 4)) && cxl::places::can_collect(&sweep.call, word));
        collect.push(at.ok_or_else(|| Wrong {
            place: format!("sweep.collect[{c}]"),
            why: format!("`{}` has no `{}` to collect", sweep.call.key(), word.name()),
        })?);
    }
    Ok(WireSweep { ioctl: call.ioctl, vary, collect })
}

/// Where a moving value lies: (buffer, offset, width).
fn moving_place(place: Moving) -> Option<(u8, u32, u8)> {
    let (buffer, offset, width) = match place {
        Moving::Request => (COMMAND_WORD, 0, 4),
        Moving::Size => (ARG, offset_of!(RpcStruct, size), 4),
        Moving::InfoFlags => (ARG, offset_of!(InfoStruct, flags), 4),
        Moving::DeviceDataLen => (ARG, offset_of!(InfoStruct, device_data_len), 4),
        Moving::Scope => (ARG, offset_of!(RpcStruct, scope), 4),
        Moving::InLen => (ARG, offset_of!(RpcStruct, in_len), 4),
        Moving::OutLen => (ARG, offset_of!(RpcStruct, out_len), 4),
        of_the_input => {
            let (offset, width) = cxl::places::moving(of_the_input)?;
            (INPUT, offset, width)
        }
    };
    Some((buffer, offset as u32, width))
}

/// Where a collected word lies: (buffer, offset).
fn collected_place(word: Collected) -> Option<(u8, u32)> {
    let (buffer, offset) = match word {
        Collected::OutLen => (ARG, offset_of!(RpcStruct, out_len)),
        Collected::DeviceType => (ARG, offset_of!(InfoStruct, out_device_type)),
        of_the_output => (OUTPUT, cxl::places::collected(of_the_output)?),
    };
    Some((buffer, offset as u32))
}

/// Whether a placement holds memory that is read back.
pub(crate) fn is_open(placement: Placement) -> bool {
    !matches!(placement, Placement::Null | Placement::Kernel | Placement::Unmapped)
}
