//! Rules for what a call wrote: the argument structure and the output buffer.

use scrubjay_session::Action;
use scrubjay_session::observation::OK;
use scrubjay_uapi::cxl::feature::GetSupportedOut;
use scrubjay_uapi::cxl::memdev::SendCommand;
use scrubjay_uapi::cxl::rpc::RpcOutHeader;
use scrubjay_uapi::fwctl::{FWCTL_RPC, Info, Rpc};
use zerocopy::FromBytes;

use super::asked::{self, Asked};
use super::{Moment, Scene, coherence, features};
use crate::rule::id;

/// What nobody wrote.
const UNTOUCHED: u8 = 0xa5;

/// Whether the answer's own length changed, so that `out_len` follows from it.
pub fn length_follows(moment: &Moment) -> bool {
    let headers = (header(moment.accepted.out.as_deref()), header(moment.seen.out.as_deref()));
    let (Some((was, _)), Some((is, _))) = headers else { return false };
    is_rpc(&moment.step.action) && was != is && only_out_len(moment)
}

/// The rule for another argument structure.
pub fn arg_rule(moment: &Moment) -> &'static str {
    let info = || {
        let [was, is] = [moment.accepted, moment.seen].map(|o| o.arg.as_deref().map(Info::read_from_prefix));
        match (was, is) {
            (Some(Ok((was, a))), Some(Ok((is, b)))) => {
                let answered =
                    Info { out_device_type: is.out_device_type, device_data_len: is.device_data_len, ..was };
                answered == is && a == b
            }
            _ => false,
        }
    };
    match asked::call(&moment.step.action).map(|call| call.asked) {
        Some(Asked::Info) if info() => id::INFO_CHANGED,
        Some(Asked::Command) => command_rule(moment),
        Some(_) if is_rpc(&moment.step.action) && only_out_len(moment) => id::OUT_LEN_CHANGED,
        _ => id::ARGUMENT_CHANGED,
    }
}

/// The rule for another structure of CXL_MEM_SEND_COMMAND: the device's return code, or how much it gave.
fn command_rule(moment: &Moment) -> &'static str {
    let [was, is] =
        [moment.accepted, moment.seen].map(|o| o.arg.as_deref().map(SendCommand::read_from_prefix));
    let (Some(Ok((was, _))), Some(Ok((is, _)))) = (was, is) else { return id::ARGUMENT_CHANGED };
    match (was.retval.get(), is.retval.get()) {
        (was, is) if was == is => {}
        (_, 0) => return id::REFUSAL_HIDDEN,
        (0, _) => return id::REFUSAL_SHOWN,
        _ => return id::RETVAL_CHANGED,
    }
    match (SendCommand { out_size: is.out_size, ..was }) == is {
        true => id::OUT_LEN_CHANGED,
        false => id::ARGUMENT_CHANGED,
    }
}

fn is_rpc(action: &Action) -> bool {
    match action {
        Action::Ioctl(raw) => raw.request.0 == FWCTL_RPC,
        action => asked::call(action).is_some_and(|call| call.scope.is_some()),
    }
}

/// Whether nothing of an RPC's structure differs but `out_len`.
fn only_out_len(moment: &Moment) -> bool {
    let [was, is] = [moment.accepted, moment.seen].map(|o| o.arg.as_deref().map(Rpc::read_from_prefix));
    match (was, is) {
        (Some(Ok((was, a))), Some(Ok((is, b)))) => Rpc { out_len: is.out_len, ..was } == is && a == b,
        _ => false,
    }
}

fn header(out: Option<&[u8]>) -> Option<(RpcOutHeader, &[u8])> {
    RpcOutHeader::read_from_prefix(out?).ok()
}

/// The rule for another output buffer.
pub fn out_rule(scene: &Scene, at: usize) -> &'static str {
    let Moment { step, accepted, seen, .. } = &scene.moments[at];
    let asked = asked::call(&step.action).map_or(Asked::Other, |call| call.asked);
    let (was, is) = (accepted.out.as_deref().unwrap_or_default(), seen.out.as_deref().unwrap_or_default());
    if was.len() != is.len() {
        return changed(asked);
    }
    if asked == Asked::Info {
        return info_rule(was, is);
    }
    if asked == Asked::Command {
        // What the device said of it stands in the structure.
        return if wrote_beyond(was, is) { id::OUTPUT_OVERRUN } else { changed(asked) };
    }
    if seen.errno != OK {
        // A refused call has no answer to be longer.
        return if wrote_beyond(was, is) { id::OUTPUT_OVERRUN } else { changed(asked) };
    }
    let (Some((before, old)), Some((now, new))) = (header(Some(was)), header(Some(is))) else {
        return if wrote_beyond(was, is) { id::OUTPUT_OVERRUN } else { changed(asked) };
    };
    if wrote_beyond(was, is) && now.size <= before.size {
        return id::OUTPUT_OVERRUN;
    }
    match (before.retval.get(), now.retval.get()) {
        (was, is) if was == is => {}
        (_, 0) => return id::REFUSAL_HIDDEN,
        (0, _) => return id::REFUSAL_SHOWN,
        _ => return id::RETVAL_CHANGED,
    }
    let payload = before.size.get() as usize;
    if before == now && only_where_cleared(asked, old, new, payload) {
        return id::OUTPUT_NOT_CLEARED;
    }
    match asked {
        Asked::Supported => features::rule(within(old, before), within(new, now)).unwrap_or(id::GET_CHANGED),
        Asked::Get if before == now && coherence::is_broken(scene, at) => id::EDAC_INCOHERENT,
        _ => changed(asked),
    }
}

/// The rule for other data of FWCTL_INFO.
fn info_rule(was: &[u8], is: &[u8]) -> &'static str {
    let mut differing = was.iter().zip(is).filter(|(was, is)| was != is);
    match () {
        () if wrote_where_untouched(was, is) => id::OUTPUT_OVERRUN,
        () if differing.all(|(was, is)| *was == 0 && *is == UNTOUCHED) => id::OUTPUT_NOT_CLEARED,
        () => id::INFO_CHANGED,
    }
}

fn changed(asked: Asked) -> &'static str {
    match asked {
        Asked::Supported | Asked::Get => id::GET_CHANGED,
        Asked::Set => id::SET_CHANGED,
        Asked::Info => id::INFO_CHANGED,
        Asked::Rpc | Asked::Command | Asked::Other => id::ANSWER_CHANGED,
    }
}

/// The payload, as long as the header says.
fn within(payload: &[u8], header: RpcOutHeader) -> &[u8] {
    &payload[..payload.len().min(header.size.get() as usize)]
}

/// Whether something is written behind the last byte that used to be written.
fn wrote_beyond(was: &[u8], is: &[u8]) -> bool {
    let end = was.iter().rposition(|byte| *byte != UNTOUCHED).map_or(0, |last| last + 1);
    is[end..].iter().any(|byte| *byte != UNTOUCHED)
}

/// Whether something is written anywhere where nothing was.
fn wrote_where_untouched(was: &[u8], is: &[u8]) -> bool {
    was.iter().zip(is).any(|(was, is)| *was == UNTOUCHED && *is != UNTOUCHED)
}

/// Whether all that differs used to be zero, and lies where the kernel clears: behind the payload,
/// or in the reserved bytes of a list's header.
fn only_where_cleared(asked: Asked, was: &[u8], is: &[u8], payload: usize) -> bool {
    let reserved = core::mem::offset_of!(GetSupportedOut, reserved)..size_of::<GetSupportedOut>();
    let cleared = |at: usize| at >= payload || (asked == Asked::Supported && reserved.contains(&at));
    let mut differing = was.iter().zip(is).enumerate().filter(|(_, (was, is))| was != is).peekable();
    differing.peek().is_some() && differing.all(|(at, (was, _))| *was == 0 && cleared(at))
}
