//! The messages of the kernel log that are compared: their form, and those of fwctl itself.

/// A message that user space may rely on, or that tells what happened.
pub(crate) struct Message {
    /// What it is called.
    pub name: &'static str,
    /// What the line holds.
    pub pattern: &'static str,
    /// Whether the kernel prints it once a boot: compared only in a boot of the session's own.
    pub once: bool,
}

/// What fwctl says, whoever's device it is (drivers/fwctl/main.c, fwctl_cmd_rpc).
pub(crate) const FWCTL: &[Message] = &[Message {
    name: "fwctl-full-access",
    pattern: "has requested full access to the physical device",
    once: true,
}];
