//! The messages of the CXL drivers that are compared.

use crate::message::Message;

/// The message of a kernel that gave up on a doorbell.
pub const MAILBOX_TIMEOUT: &str = "mailbox-timeout";

/// What they say.
pub(crate) const MESSAGES: &[Message] = &[
    // drivers/cxl/core/features.c, cxlctl_validate_set_features
    Message {
        name: "feature-reserved-effects",
        pattern: "Reserved bits set in the Feature effects field",
        once: true,
    },
    // drivers/cxl/pci.c, __cxl_pci_mbox_send_cmd
    Message { name: MAILBOX_TIMEOUT, pattern: "mailbox timeout (opcode:", once: false },
    // drivers/cxl/pci.c, __cxl_pci_mbox_send_cmd
    Message { name: "mailbox-busy", pattern: "mailbox queue busy", once: false },
    // drivers/cxl/pci.c, __cxl_pci_mbox_send_cmd
    Message { name: "background-timeout", pattern: "timeout waiting for background", once: false },
    // drivers/cxl/core/mbox.c, cxl_validate_cmd_from_user
    Message { name: "raw-command", pattern: "raw command path used", once: true },
];
