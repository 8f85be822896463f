//! The ioctls of the memdev's own node: laid out, and their answers as a person reads them.

use core::mem::offset_of;

use scrubjay_uapi::cxl::memdev::{
    CXL_MEM_QUERY_COMMANDS, CXL_MEM_SEND_COMMAND, CommandInfo, QueryCommands, SendCommand, VARIABLE_SIZE,
};
use scrubjay_uapi::cxl::{MemdevCommand, Opcode, ReturnCode};
use scrubjay_wire::{Buffer, Bytes};
use serde_json::{Value, json};
use zerocopy::{FromBytes, IntoBytes};

use crate::call::{self, Call, INPUT, OUTPUT};
use crate::cxl::action::{MemdevQuery, MemdevSend};
use crate::cxl::decode::answer_payload;
use crate::observation::Observation;
use crate::shape::Shape;

/// CXL_MEM_QUERY_COMMANDS.
pub(crate) fn query(query: &MemdevQuery) -> Call {
    let header = QueryCommands { n_commands: query.count.into(), rsvd: query.reserved.into() };
    let row = size_of::<CommandInfo>() as u32;
    let room = call::memory(query.room.unwrap_or(query.count).saturating_mul(row));
    let arg = call::structure([header.as_bytes(), &room].concat(), None, query.arg);
    let ioctl = call::ioctl(&query.slot, CXL_MEM_QUERY_COMMANDS, vec![arg], Vec::new(), query.entry);
    Call { ioctl, shape: Shape::MemdevQuery }
}

/// CXL_MEM_SEND_COMMAND.
pub(crate) fn send(send: &MemdevSend) -> Call {
    let call = &send.call;
    let command = MemdevCommand::from_number(send.command.0);
    let out = send.out.or_else(|| command?.fixed_out()).unwrap_or(0);
    // A raw command has its opcode where every other has the lower half of a reserved word.
    let (opcode, rsvd) = match send.opcode {
        Some(opcode) => (opcode.0, call.reserved as u16),
        None => (call.reserved as u16, (call.reserved >> 16) as u16),
    };
    let body = SendCommand {
        id: send.command.0.into(),
        flags: call.flags.into(),
        opcode: opcode.into(),
        rsvd: rsvd.into(),
        retval: call.retval.into(),
        in_size: call.in_size.unwrap_or(send.payload.len() as u32).into(),
        in_rsvd: call.in_reserved.into(),
        out_size: call.out_size.unwrap_or(out).into(),
        out_rsvd: call.out_reserved.into(),
        ..SendCommand::default()
    };
    let arg = call::structure(body.as_bytes().to_vec(), call.cut, call.arg);
    let pointers =
        [(offset_of!(SendCommand, in_payload), INPUT), (offset_of!(SendCommand, out_payload), OUTPUT)];
    let links = call::links(arg.bytes.len(), &pointers);
    let buffers = vec![
        arg,
        Buffer { bytes: send.payload.clone(), placement: call.input },
        Buffer { bytes: call::memory(out), placement: call.output },
    ];
    let request = call.request.map_or(CXL_MEM_SEND_COMMAND, |word| word.0);
    let ioctl = call::ioctl(&send.slot, request, buffers, links, call.entry);
    let input = if call::is_open(call.input) { send.payload.clone() } else { Bytes::default() };
    let opcode = send.opcode.map(|opcode| opcode.0).or_else(|| command?.opcode());
    Call { ioctl, shape: Shape::MemdevSend { opcode, input } }
}

/// The answer of a query.
pub(crate) fn commands(seen: &Observation) -> Value {
    let Some(Ok((header, mut rest))) = seen.arg.as_deref().map(QueryCommands::read_from_prefix) else {
        return Value::Null;
    };
    let mut rows = Vec::new();
    while let Ok((info, more)) = CommandInfo::read_from_prefix(rest) {
        // What nobody wrote, and everything behind it.
        if info.as_bytes() == &Bytes::untouched(size_of::<CommandInfo>())[..] {
            break;
        }
        rows.push(row(&info));
        rest = more;
    }
    let mut decoded = json!({ "count": header.n_commands.get() });
    if !rows.is_empty() {
        decoded["commands"] = Value::Array(rows);
    }
    decoded
}

fn row(info: &CommandInfo) -> Value {
    let number = info.id.get();
    let size = |bytes: u32| if bytes == VARIABLE_SIZE { json!("variable") } else { json!(bytes) };
    json!({
        "command": MemdevCommand::from_number(number).map_or_else(|| number.to_string(), |c| c.name().to_owned()),
        "flags": info.flag_names(),
        "in": size(info.size_in.get()),
        "out": size(info.size_out.get()),
    })
}

/// The answer of a command that became this mailbox command.
pub(crate) fn answer(opcode: Option<u16>, seen: &Observation) -> Value {
    let Some(Ok((arg, _))) = seen.arg.as_deref().map(SendCommand::read_from_prefix) else {
        return Value::Null;
    };
    let code = u16::try_from(arg.retval.get()).map(ReturnCode);
    let name = code.map_or_else(|_| arg.retval.get().to_string(), |code| code.to_string());
    let size = arg.out_size.get();
    let payload = seen.out.as_deref().unwrap_or_default();
    let mut decoded = answer_payload(opcode.and_then(Opcode::from_number), payload, size);
    decoded.insert("retval".into(), json!(name));
    decoded.insert("out-size".into(), json!(size));
    Value::Object(decoded)
}
