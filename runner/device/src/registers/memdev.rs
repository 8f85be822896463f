//! The memory device register block: capability array, device status, mailbox, memory device status.

use super::{Register, fixed};

/// Where the mailbox capability lies in the block.
pub(crate) const MAILBOX: usize = 0x1ff8;
/// Where the device status capability lies.
const DEVICE_STATUS: usize = 0x100;
/// Where the memory device status capability lies.
const MEMDEV_STATUS: usize = 0x180;

/// Media ready (bits 3:2 = 01b) and mailbox interfaces ready (bit 4).
const READY: u64 = 1 << 2 | 1 << 4;

/// The first page of the block: everything but the mailbox.
pub(crate) fn registers(payload: u32) -> Vec<Register> {
    let header = |index: usize, name, id: u64, at: usize, len: u64| {
        [
            fixed(index * 0x10, 4, name, "CXL r3.2, 8.2.8.2", id | 1 << 16),
            fixed(index * 0x10 + 4, 4, "… its offset", "CXL r3.2, 8.2.8.2", at as u64),
            fixed(index * 0x10 + 8, 4, "… its length", "CXL r3.2, 8.2.8.2", len),
        ]
    };
    let mut rows = vec![
        // Id 0, version 1, type 1 (memory device), three capabilities.
        fixed(0x0, 8, "Device Capabilities Array", "CXL r3.2, 8.2.8.1", 1 << 16 | 1 << 24 | 3 << 32),
    ];
    rows.extend(header(1, "Device Status capability", 0x1, DEVICE_STATUS, 8));
    rows.extend(header(2, "Primary Mailbox capability", 0x2, MAILBOX, 0x20 + u64::from(payload)));
    rows.extend(header(3, "Memory Device Status capability", 0x4000, MEMDEV_STATUS, 8));
    rows.push(fixed(DEVICE_STATUS, 8, "Event Status", "CXL r3.2, 8.2.8.3.1", 0));
    rows.push(fixed(MEMDEV_STATUS, 8, "Memory Device Status", "CXL r3.2, 8.2.8.5.1.1", READY));
    rows
}

/// The mailbox's registers, offsets within the block, for a mailbox that claims so many bytes of
/// payload. Their side effects are [`crate::mailbox`]'s.
pub(crate) fn mailbox_registers(claimed: u32) -> Vec<Register> {
    vec![
        fixed(MAILBOX, 4, "Mailbox Capabilities", "CXL r3.2, 8.2.8.4.3", u64::from(claimed.trailing_zeros())),
        Register { writable: 1, ..fixed(MAILBOX + 4, 4, "Mailbox Control", "CXL r3.2, 8.2.8.4.4", 0) },
        Register { writable: 0x1f_ffff_ffff, ..fixed(MAILBOX + 8, 8, "Command", "CXL r3.2, 8.2.8.4.5", 0) },
        fixed(MAILBOX + 0x10, 8, "Mailbox Status", "CXL r3.2, 8.2.8.4.6", 0),
        fixed(MAILBOX + 0x18, 8, "Background Command Status", "CXL r3.2, 8.2.8.4.7", 0),
        Register {
            writable: u64::MAX,
            ..fixed(MAILBOX + 0x20, 8, "Payload (first word)", "CXL r3.2, 8.2.8.4.8", 0)
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::below_the_least(128, 7)]
    #[case::usual(4096, 12)]
    #[case::above_the_most(4 << 20, 22)]
    fn the_capability_register_tells_the_exponent(#[case] claimed: u32, #[case] exponent: u64) {
        assert_eq!(mailbox_registers(claimed)[0].value, exponent);
    }
}
