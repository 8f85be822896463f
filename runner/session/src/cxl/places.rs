//! Where the values lie that a sweep moves and collects in what an RPC carries to a CXL device.

use core::mem::offset_of;

use scrubjay_uapi::cxl::feature::{GetFeatureIn, GetSupportedIn, SetFeatureIn};
use scrubjay_uapi::cxl::rpc::{RpcHeader, RpcOutHeader};

use crate::step::Action;
use crate::sweep::{Collected, Moving};

/// Offset in the input and width; `None` for one that lies elsewhere.
pub(crate) fn moving(place: Moving) -> Option<(usize, u8)> {
    let header = size_of::<RpcHeader>();
    Some(match place {
        Moving::Request
        | Moving::Size
        | Moving::InfoFlags
        | Moving::DeviceDataLen
        | Moving::Scope
        | Moving::InLen
        | Moving::OutLen => return None,
        Moving::Opcode => (offset_of!(RpcHeader, opcode), 4),
        Moving::HeaderFlags => (offset_of!(RpcHeader, flags), 4),
        Moving::OpSize => (offset_of!(RpcHeader, op_size), 4),
        Moving::HeaderReserved => (offset_of!(RpcHeader, reserved1), 4),
        Moving::SupportedCount => (header + offset_of!(GetSupportedIn, count), 4),
        Moving::SupportedStart => (header + offset_of!(GetSupportedIn, start_idx), 2),
        Moving::GetUuid => (header + offset_of!(GetFeatureIn, uuid), 4),
        Moving::GetOffset => (header + offset_of!(GetFeatureIn, offset), 2),
        Moving::GetCount => (header + offset_of!(GetFeatureIn, count), 2),
        Moving::GetSelection => (header + offset_of!(GetFeatureIn, selection), 1),
        Moving::SetUuid => (header + offset_of!(SetFeatureIn, uuid), 4),
        Moving::SetFlags => (header + offset_of!(SetFeatureIn, flags), 4),
        Moving::SetOffset => (header + offset_of!(SetFeatureIn, offset), 2),
        Moving::SetVersion => (header + offset_of!(SetFeatureIn, version), 1),
    })
}

/// Offset in the output of a word of 4 bytes; `None` for one that lies elsewhere.
pub(crate) fn collected(word: Collected) -> Option<usize> {
    match word {
        Collected::OutLen | Collected::DeviceType => None,
        Collected::OutSize => Some(offset_of!(RpcOutHeader, size)),
        Collected::Retval => Some(offset_of!(RpcOutHeader, retval)),
    }
}

/// Whether a call has the place, as far as its kind says. A generic RPC may carry any payload, an ioctl any
/// structure.
pub(crate) fn can_move(call: &Action, place: Moving) -> bool {
    let raw = matches!(call, Action::Ioctl(_));
    match place {
        Moving::Request | Moving::Size => true,
        Moving::InfoFlags | Moving::DeviceDataLen => raw || matches!(call, Action::Info(_)),
        Moving::Scope | Moving::InLen | Moving::OutLen => raw || is_rpc(call),
        Moving::Opcode | Moving::HeaderFlags | Moving::OpSize | Moving::HeaderReserved => is_rpc(call),
        Moving::SupportedCount | Moving::SupportedStart => {
            matches!(call, Action::GetSupportedFeatures(_) | Action::Rpc(_))
        }
        Moving::GetUuid | Moving::GetOffset | Moving::GetCount | Moving::GetSelection => {
            matches!(call, Action::GetFeature(_) | Action::Rpc(_))
        }
        Moving::SetUuid | Moving::SetFlags | Moving::SetOffset | Moving::SetVersion => {
            matches!(call, Action::SetFeature(_) | Action::Rpc(_))
        }
    }
}

/// Whether a call's answer has the word.
pub(crate) fn can_collect(call: &Action, word: Collected) -> bool {
    let raw = matches!(call, Action::Ioctl(_));
    match word {
        Collected::DeviceType => raw || matches!(call, Action::Info(_)),
        Collected::OutLen => raw || is_rpc(call),
        Collected::OutSize | Collected::Retval => is_rpc(call),
    }
}

fn is_rpc(call: &Action) -> bool {
    matches!(
        call,
        Action::GetSupportedFeatures(_) | Action::GetFeature(_) | Action::SetFeature(_) | Action::Rpc(_)
    )
}
