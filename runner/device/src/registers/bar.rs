//! BAR 0: where the register blocks lie, and which pages QEMU may map.
//!
//! A trapped access is a message over the socket, tens of microseconds; a mapped one is memory.
//! So registers with side effects get two pages to themselves: the HDM decoders, and the page that
//! ends with the mailbox's capability and control registers. The mailbox starts eight bytes before
//! a page boundary, so its command, status and payload registers are the first in the pages after it.

use super::memdev;

/// Where the component registers start.
pub(crate) const COMPONENT: u64 = 0;
/// Bytes of component registers (CXL r3.2, 8.2.3).
pub(crate) const COMPONENT_LEN: u64 = 0x1_0000;
/// Where the memory device registers start.
pub(crate) const MEMDEV: u64 = COMPONENT + COMPONENT_LEN;

/// The size of a page of the guest and of the host.
pub(crate) const PAGE: u64 = 0x1000;

/// The trapped page of the component registers.
pub(crate) const HDM_PAGE: u64 = COMPONENT + 0x1000;
/// The trapped page of the memory device registers.
pub(crate) const DOORBELL_PAGE: u64 = MEMDEV + 0x1000;
/// Where the mailbox's mapped registers start.
pub(crate) const MAILBOX_PAGES: u64 = DOORBELL_PAGE + PAGE;

/// The mailbox's capability register, the second but last word of the trapped page.
pub(crate) const MAILBOX: u64 = MEMDEV + memdev::MAILBOX as u64;
/// The mailbox's control register, the last word of the trapped page.
pub(crate) const CONTROL: u64 = MAILBOX + 4;
/// The command register.
pub(crate) const COMMAND: u64 = MAILBOX + 8;
/// The status register.
pub(crate) const STATUS: u64 = MAILBOX + 0x10;
/// The background command status register.
pub(crate) const BACKGROUND: u64 = MAILBOX + 0x18;
/// The payload registers.
pub(crate) const PAYLOAD: u64 = MAILBOX + 0x20;

/// The BAR's size for a mailbox payload of so many bytes: a power of two.
pub(crate) fn len(payload: u32) -> u64 {
    (PAYLOAD + u64::from(payload)).next_power_of_two()
}

/// The areas that may be mapped: offset and length, page by page.
pub(crate) fn mapped(payload: u32) -> Vec<(u64, u64)> {
    let end = (PAYLOAD + u64::from(payload)).next_multiple_of(PAGE);
    vec![(MEMDEV, PAGE), (MAILBOX_PAGES, end - MAILBOX_PAGES)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::smallest(256, 0x2_0000)]
    #[case::usual(4096, 0x2_0000)]
    #[case::largest(1 << 20, 0x20_0000)]
    fn the_bar_has_room_for_the_payload(#[case] payload: u32, #[case] size: u64) {
        assert_eq!(len(payload), size);
    }

    #[rstest]
    #[case(256)]
    #[case(4096)]
    #[case(1 << 20)]
    fn only_registers_without_side_effects_are_mapped(#[case] payload: u32) {
        let inside = |at: u64| mapped(payload).iter().any(|&(start, len)| (start..start + len).contains(&at));
        assert!(!inside(HDM_PAGE) && !inside(MAILBOX) && !inside(CONTROL));
        assert!(inside(COMMAND) && inside(STATUS) && inside(BACKGROUND));
        assert!(inside(PAYLOAD) && inside(PAYLOAD + u64::from(payload) - 1));
        for (start, len) in mapped(payload) {
            assert!(
                start.is_multiple_of(PAGE) && len.is_multiple_of(PAGE) && start + len <= super::len(payload)
            );
        }
    }
}
