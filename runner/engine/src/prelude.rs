//! What is done before the first session of a tainting boot: one RPC that taints and does nothing.

use scrubjay_session::{Boot, Session};
use scrubjay_uapi::fwctl::TAINT_FWCTL;

/// A Perform Maintenance of scope DEBUG_WRITE: it taints before its opcode is refused
/// (drivers/fwctl/main.c, fwctl_cmd_rpc), so the message that comes once a boot comes here.
const SESSION: &str = r#"{
    "format": "scrubjay.session/1", "id": "(prelude)", "title": "taint the kernel",
    "devices": ["DEVICE"], "boot": "tainting", "promise": "E06",
    "steps": [
        {"id": "open", "do": {"open": {}}},
        {"id": "taint", "do": {"rpc": {"scope": "debug-write", "opcode": "perform-maintenance"}}}
    ]
}"#;

/// Whether a boot of this kind begins with it.
pub fn needed(boot: Boot) -> bool {
    boot == Boot::Tainting
}

/// The flags that it is there to set: a kernel in which it does not, a session of the boot taints, and the others then
/// find what they would have found.
pub fn taint(boot: Boot) -> u64 {
    if needed(boot) { 1 << TAINT_FWCTL } else { 0 }
}

/// The session, on one device of the guest.
pub fn session(device: &str) -> Session {
    let mut session: Session = serde_json::from_str(SESSION).expect("the prelude is a session");
    session.devices = vec![device.to_owned()];
    session
}
