//! Registers as tables: each row has its offset, reset value, writable bits and the section that
//! defines it. A [`Block`] is the bytes that the rows make.
//!
//! [`config`] is configuration space, [`component`] and [`memdev`] the two blocks of BAR 0, and
//! [`bar`] says where they lie and which pages need a trap. Side effects of a write are not here
//! but in [`crate::mailbox`] and in [`component::Component`].

pub(crate) mod bar;
pub(crate) mod component;
pub(crate) mod config;
pub(crate) mod memdev;

use std::fmt::Write;

/// One register.
#[derive(Clone, Debug)]
pub(crate) struct Register {
    /// Offset in its block.
    pub at: usize,
    /// Bytes: 1, 2, 4 or 8.
    pub width: usize,
    /// What it is.
    pub name: &'static str,
    /// Where it is defined.
    pub section: &'static str,
    /// Its value after a reset.
    pub value: u64,
    /// The bits that a write changes.
    pub writable: u64,
}

/// A register that no write changes.
pub(crate) const fn fixed(
    at: usize,
    width: usize,
    name: &'static str,
    section: &'static str,
    value: u64,
) -> Register {
    Register { at, width, name, section, value, writable: 0 }
}

/// A register some of whose bits a write changes.
pub(crate) const fn writable(
    at: usize,
    width: usize,
    name: &'static str,
    section: &'static str,
    value: u64,
    bits: u64,
) -> Register {
    Register { at, width, name, section, value, writable: bits }
}

/// The registers of a block, as bytes.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    reset: Vec<u8>,
    writable: Vec<u8>,
}

impl Block {
    /// A block of `len` bytes, zero where no row says otherwise.
    pub fn new(len: usize, rows: &[Register]) -> Self {
        let mut block = Block { bytes: vec![0; len], reset: vec![0; len], writable: vec![0; len] };
        for row in rows {
            let range = row.at..row.at + row.width;
            block.reset[range.clone()].copy_from_slice(&row.value.to_le_bytes()[..row.width]);
            block.writable[range].copy_from_slice(&row.writable.to_le_bytes()[..row.width]);
        }
        block.bytes.clone_from(&block.reset);
        block
    }

    /// Brings every register back to its reset value.
    pub fn reset(&mut self) {
        self.bytes.clone_from(&self.reset);
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads; bytes beyond the block are zero.
    pub fn read(&self, at: usize, into: &mut [u8]) {
        for (index, byte) in into.iter_mut().enumerate() {
            *byte = self.bytes.get(at.saturating_add(index)).copied().unwrap_or(0);
        }
    }

    /// Writes what is writable; bytes beyond the block are ignored.
    pub fn write(&mut self, at: usize, data: &[u8]) {
        for (index, &byte) in data.iter().enumerate() {
            let at = at.saturating_add(index);
            if let (Some(to), Some(&mask)) = (self.bytes.get_mut(at), self.writable.get(at)) {
                *to = *to & !mask | byte & mask;
            }
        }
    }

    /// The 32-bit register at this offset.
    pub fn u32(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        self.read(at, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    /// Sets the 32-bit register at this offset, writable or not.
    pub fn set_u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
}

/// A table of registers as Markdown.
pub(crate) fn table(title: &str, rows: &[Register]) -> String {
    let mut out = format!(
        "### {title}\n\n| offset | bytes | register | defined in | reset value | writable |\n|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let digits = 2 + 2 * row.width;
        let _ = writeln!(
            out,
            "| {:#06x} | {} | {} | {} | {:#0digits$x} | {:#0digits$x} |",
            row.at, row.width, row.name, row.section, row.value, row.writable
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn block() -> Block {
        Block::new(16, &[fixed(0, 4, "id", "-", 0x1122_3344), writable(4, 2, "control", "-", 0x00f0, 0x0ff0)])
    }

    #[rstest]
    fn a_write_changes_the_writable_bits_only() {
        let mut block = block();
        block.write(0, &[0xff; 16]);
        assert_eq!(block.u32(0), 0x1122_3344);
        assert_eq!(block.u32(4), 0x0ff0);
        assert_eq!(block.u32(8), 0);
    }

    #[rstest]
    fn a_reset_brings_the_reset_value_back() {
        let mut block = block();
        block.write(4, &[0; 2]);
        assert_eq!(block.u32(4), 0);
        block.reset();
        assert_eq!(block.u32(4), 0x00f0);
    }

    #[rstest]
    #[case::straddling(14)]
    #[case::beyond(4096)]
    #[case::at_the_end_of_numbers(usize::MAX - 1)]
    fn an_access_beyond_the_block_reads_zero_and_changes_nothing(#[case] at: usize) {
        let mut block = block();
        block.write(at, &[0xff; 4]);
        let mut seen = [0xaa; 4];
        block.read(at, &mut seen);
        assert_eq!(seen, [0; 4]);
    }
}
