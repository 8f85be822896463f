//! The documentation's word on one call.

use crate::{Call, Kind, Target};

/// What an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// The call succeeds. What the device says of it is in the answer, and no errno.
    Success,
    /// The call fails with one of these; with any errno where there is none.
    Refused(&'static [&'static str]),
    /// Documentation is silent.
    Unspecified,
}

impl Allowed {
    /// Whether an answer is allowed: `None` for success, else the errno's name.
    pub fn permits(self, errno: Option<&str>) -> bool {
        match (self, errno) {
            (Allowed::Unspecified, _) | (Allowed::Success, None) => true,
            (Allowed::Refused(names), Some(errno)) => names.is_empty() || names.contains(&errno),
            _ => false,
        }
    }
}

/// What is allowed, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// What.
    pub allowed: Allowed,
    /// The promise in the catalogue.
    pub promise: &'static str,
    /// Document or header, and where in it.
    pub source: &'static str,
}

const HEADER: &str = "include/uapi/fwctl/fwctl.h, general ioctl format";
const INFO: &str = "include/uapi/fwctl/fwctl.h, struct fwctl_info";
const SCOPES: &str = "include/uapi/fwctl/fwctl.h, enum fwctl_rpc_scope";
const RPC: &str = "include/uapi/fwctl/fwctl.h, struct fwctl_rpc";
const CXL: &str = "Documentation/userspace-api/fwctl/fwctl-cxl.rst, CXL actions";

/// Sizes of the structures.
const INFO_SIZE: u32 = 24;
const RPC_SIZE: u32 = 32;

/// `FWCTL_RPC_DEBUG_WRITE`, `FWCTL_RPC_DEBUG_WRITE_FULL`; above it no scope is defined.
const DEBUG_WRITE: u32 = 2;
const DEBUG_WRITE_FULL: u32 = 3;

/// Effects that the documentation names: the immediate ones, and configuration change after cold or conventional reset.
const IMMEDIATE: u16 = 0b1_1110;
const AFTER_RESET: u16 = 1 << 0 | 1 << 10;

/// Effects that it does not name and that may decide as well: background operation, CXL reset, reserved.
const UNNAMED: u16 = 1 << 6 | 1 << 11 | 0xf000;

/// The documentation's word on a call.
pub fn word(call: &Call) -> Word {
    structure(call).unwrap_or_else(|| match call.kind {
        Kind::Ioctl => by_number(call.request),
        Kind::Info => info(call),
        _ => scope(call).unwrap_or_else(|| rpc(call)),
    })
}

const fn refused(names: &'static [&'static str], promise: &'static str, source: &'static str) -> Word {
    Word { allowed: Allowed::Refused(names), promise, source }
}

const fn silent(promise: &'static str) -> Word {
    Word { allowed: Allowed::Unspecified, promise, source: "" }
}

/// An ioctl number of the type that is not defined.
fn by_number(request: u32) -> Word {
    match request {
        0x9a00 | 0x9a01 => silent("B01"),
        _ => refused(&["ENOTTY"], "B01", HEADER),
    }
}

/// What is said of every structure's size.
fn structure(call: &Call) -> Option<Word> {
    let size = match call.kind {
        Kind::Ioctl => return None,
        Kind::Info => INFO_SIZE,
        _ => RPC_SIZE,
    };
    match call.size {
        given if given < size => Some(refused(&["EINVAL"], "B05", HEADER)),
        given if given > size && !call.tail_is_zero => Some(refused(&["E2BIG"], "B07", HEADER)),
        _ => None,
    }
}

fn info(call: &Call) -> Word {
    match call.info_flags {
        0 => Word { allowed: Allowed::Success, promise: "B06", source: INFO },
        _ => refused(&["EOPNOTSUPP"], "C06", INFO),
    }
}

/// What is said of a scope, whatever is called with it.
fn scope(call: &Call) -> Option<Word> {
    match call.scope {
        scope if scope > DEBUG_WRITE_FULL => Some(refused(&["EOPNOTSUPP"], "D03", HEADER)),
        DEBUG_WRITE_FULL if !call.rawio => Some(refused(&["EPERM", "EACCES"], "E02", SCOPES)),
        _ => None,
    }
}

fn rpc(call: &Call) -> Word {
    if call.irregular {
        return silent("D11");
    }
    match (call.kind, call.target) {
        (Kind::GetSupportedFeatures | Kind::GetFeature, _) if call.scope == 0 => {
            Word { allowed: Allowed::Success, promise: "D12", source: RPC }
        }
        (Kind::SetFeature, Some(target)) => set(call.scope, target),
        _ => silent("E01"),
    }
}

/// What is said of a Set Feature by what it changes and when.
fn set(scope: u32, Target { effects, changeable }: Target) -> Word {
    let named = effects & UNNAMED == 0 && changeable;
    let success = Word { allowed: Allowed::Success, promise: "H06", source: CXL };
    match () {
        () if scope < DEBUG_WRITE => refused(&[], "H09", CXL),
        () if effects & IMMEDIATE != 0 && scope < DEBUG_WRITE_FULL => refused(&[], "H06", CXL),
        () if effects & IMMEDIATE != 0 && named => success,
        () if effects & AFTER_RESET != 0 && named => Word { promise: "H07", ..success },
        () => silent("H05"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn call(kind: Kind) -> Call {
        let size = if kind == Kind::Info { INFO_SIZE } else { RPC_SIZE };
        let (request, info_flags, scope) = (0x9a01, 0, 0);
        Call {
            kind,
            request,
            size,
            tail_is_zero: true,
            info_flags,
            scope,
            rawio: true,
            target: None,
            irregular: false,
        }
    }

    fn set_of(scope: u32, effects: u16, changeable: bool) -> Allowed {
        let target = Some(Target { effects, changeable });
        word(&Call { scope, target, ..call(Kind::SetFeature) }).allowed
    }

    #[rstest]
    #[case::small(8, true, Allowed::Refused(&["EINVAL"]))]
    #[case::exact(24, true, Allowed::Success)]
    #[case::larger(25, true, Allowed::Success)]
    #[case::larger_and_set(25, false, Allowed::Refused(&["E2BIG"]))]
    fn a_size_is_judged_by_the_header(
        #[case] size: u32,
        #[case] tail_is_zero: bool,
        #[case] allowed: Allowed,
    ) {
        assert_eq!(word(&Call { size, tail_is_zero, ..call(Kind::Info) }).allowed, allowed);
    }

    #[rstest]
    #[case::immediate_below_full(2, 1 << 1, true, Allowed::Refused(&[]))]
    #[case::immediate_at_full(3, 1 << 1, true, Allowed::Success)]
    #[case::after_reset(2, 1 << 10, true, Allowed::Success)]
    #[case::after_reset_below(1, 1 << 10, true, Allowed::Refused(&[]))]
    #[case::both(2, 1 << 10 | 1 << 3, true, Allowed::Refused(&[]))]
    #[case::none(3, 0, true, Allowed::Unspecified)]
    #[case::reserved(3, 1 << 1 | 1 << 12, true, Allowed::Unspecified)]
    #[case::not_changeable(3, 1 << 1, false, Allowed::Unspecified)]
    fn a_set_is_judged_by_its_effects(
        #[case] scope: u32,
        #[case] effects: u16,
        #[case] changeable: bool,
        #[case] allowed: Allowed,
    ) {
        assert_eq!(set_of(scope, effects, changeable), allowed);
    }

    #[rstest]
    #[case::silent(Allowed::Unspecified, Some("EIO"), true)]
    #[case::success(Allowed::Success, None, true)]
    #[case::no_success(Allowed::Success, Some("EINVAL"), false)]
    #[case::named(Allowed::Refused(&["E2BIG"]), Some("E2BIG"), true)]
    #[case::another(Allowed::Refused(&["E2BIG"]), Some("EINVAL"), false)]
    #[case::any(Allowed::Refused(&[]), Some("EINVAL"), true)]
    #[case::not_refused(Allowed::Refused(&[]), None, false)]
    fn an_answer_is_permitted_or_not(
        #[case] allowed: Allowed,
        #[case] errno: Option<&str>,
        #[case] permitted: bool,
    ) {
        assert_eq!(allowed.permits(errno), permitted);
    }
}
