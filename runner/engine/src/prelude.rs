//! What is done before the first session of a tainting boot: one RPC that taints and does nothing.

use scrubjay_session::{Boot, Session};

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

/// The session, on one device of the guest.
pub fn session(device: &str) -> Session {
    let mut session: Session = serde_json::from_str(SESSION).expect("the prelude is a session");
    session.devices = vec![device.to_owned()];
    session
}
