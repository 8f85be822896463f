//! The component register block's CXL.cachemem page: the HDM decoder capability, without which the
//! kernel makes no endpoint and so no EDAC device, and the RAS capability, without which kernels before
//! ras-not-asked-for refuse the device (their cxl_pci_type3_init_mailbox looks at the wrong map).

use scrubjay_session::cxl::profile::ComponentCapability;

use super::{Block, Register, fixed, writable};

/// Bytes of the page.
const LEN: usize = 0x1000;
/// Where the RAS capability lies in the page.
const RAS: usize = 0x100;
/// Where the HDM decoder capability lies in the page.
const HDM: usize = 0x200;
/// The decoder's control register.
const DECODER_CONTROL: usize = HDM + 0x20;

/// Decoder control: commit asked for.
const COMMIT: u32 = 1 << 9;
/// Decoder control: committed.
const COMMITTED: u32 = 1 << 10;

/// Bits of uncorrectable errors that there are.
const UNCORRECTABLE: u64 = 0x1cfff;
/// Bits of correctable errors that there are.
const CORRECTABLE: u64 = 0x7f;

/// The registers of the page, with one decoder where there is any.
pub(crate) fn registers(capabilities: &[ComponentCapability]) -> Vec<Register> {
    let count = capabilities.len() as u64;
    // Id 1, version 1, cache/mem version 1.
    let header = 1 | 1 << 16 | 1 << 20 | count << 24;
    let mut registers = vec![fixed(0x0, 4, "CXL Capability Header", "CXL r3.2, 8.2.4.1", header)];
    for (i, capability) in capabilities.iter().enumerate() {
        let at = 0x4 + 4 * i;
        registers.push(match capability {
            // Id 2, version 2.
            ComponentCapability::Ras => fixed(
                at,
                4,
                "CXL RAS Capability Header",
                "CXL r3.2, 8.2.4.2",
                2 | 2 << 16 | (RAS as u64) << 20,
            ),
            // Id 5, version 3.
            ComponentCapability::HdmDecoder => fixed(
                at,
                4,
                "CXL HDM Decoder Capability Header",
                "CXL r3.2, 8.2.4.5",
                5 | 3 << 16 | (HDM as u64) << 20,
            ),
        });
    }
    if capabilities.contains(&ComponentCapability::Ras) {
        registers.extend(ras());
    }
    if capabilities.contains(&ComponentCapability::HdmDecoder) {
        registers.extend(hdm_decoder());
    }
    registers
}

fn ras() -> Vec<Register> {
    vec![
        // No error ever happens: the status registers stay 0.
        fixed(RAS, 4, "Uncorrectable Error Status", "CXL r3.2, 8.2.4.17.1", 0),
        writable(
            RAS + 0x04,
            4,
            "Uncorrectable Error Mask",
            "CXL r3.2, 8.2.4.17.2",
            UNCORRECTABLE,
            UNCORRECTABLE,
        ),
        writable(
            RAS + 0x08,
            4,
            "Uncorrectable Error Severity",
            "CXL r3.2, 8.2.4.17.3",
            UNCORRECTABLE,
            UNCORRECTABLE,
        ),
        fixed(RAS + 0x0c, 4, "Correctable Error Status", "CXL r3.2, 8.2.4.17.4", 0),
        writable(RAS + 0x10, 4, "Correctable Error Mask", "CXL r3.2, 8.2.4.17.5", CORRECTABLE, CORRECTABLE),
        fixed(RAS + 0x14, 4, "Error Capabilities and Control", "CXL r3.2, 8.2.4.17.6", 0),
    ]
}

fn hdm_decoder() -> Vec<Register> {
    vec![
        // One decoder; interleave on address bits 11:8 and 14:12.
        fixed(HDM, 4, "HDM Decoder Capability", "CXL r3.2, 8.2.4.20.1", 1 << 8 | 1 << 9),
        writable(HDM + 0x04, 4, "HDM Decoder Global Control", "CXL r3.2, 8.2.4.20.2", 0, 0b11),
        writable(HDM + 0x10, 4, "HDM Decoder 0 Base Low", "CXL r3.2, 8.2.4.20.3", 0, 0xf000_0000),
        writable(HDM + 0x14, 4, "HDM Decoder 0 Base High", "CXL r3.2, 8.2.4.20.4", 0, 0xffff_ffff),
        writable(HDM + 0x18, 4, "HDM Decoder 0 Size Low", "CXL r3.2, 8.2.4.20.5", 0, 0xf000_0000),
        writable(HDM + 0x1c, 4, "HDM Decoder 0 Size High", "CXL r3.2, 8.2.4.20.6", 0, 0xffff_ffff),
        writable(DECODER_CONTROL, 4, "HDM Decoder 0 Control", "CXL r3.2, 8.2.4.20.7", 0, 0x13ff),
        writable(HDM + 0x24, 4, "HDM Decoder 0 DPA Skip Low", "CXL r3.2, 8.2.4.20.8", 0, 0xf000_0000),
        writable(HDM + 0x28, 4, "HDM Decoder 0 DPA Skip High", "CXL r3.2, 8.2.4.20.9", 0, 0xffff_ffff),
    ]
}

/// The page and what a write to it does.
#[derive(Debug)]
pub(crate) struct Component(Block);

impl Component {
    pub fn new(capabilities: &[ComponentCapability]) -> Self {
        Component(Block::new(LEN, &registers(capabilities)))
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }

    pub fn read(&self, at: usize, into: &mut [u8]) {
        self.0.read(at, into);
    }

    /// Writes; a decoder told to commit is committed at once.
    pub fn write(&mut self, at: usize, data: &[u8]) {
        self.0.write(at, data);
        let control = self.0.u32(DECODER_CONTROL);
        let committed = if control & COMMIT != 0 { control | COMMITTED } else { control & !COMMITTED };
        self.0.set_u32(DECODER_CONTROL, committed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::both(&[ComponentCapability::Ras, ComponentCapability::HdmDecoder], 2, &[0x2, 0x5])]
    #[case::no_ras(&[ComponentCapability::HdmDecoder], 1, &[0x5])]
    #[case::none(&[], 0, &[])]
    fn a_page_has_the_capabilities_that_it_is_told(
        #[case] capabilities: &[ComponentCapability],
        #[case] count: u8,
        #[case] ids: &[u16],
    ) {
        let page = Component::new(capabilities);
        let mut bytes = [0; 12];
        page.read(0, &mut bytes);
        assert_eq!(bytes[3], count);
        let headers = bytes[4..].chunks(4).map(|header| u16::from_le_bytes([header[0], header[1]]));
        assert_eq!(headers.take(ids.len()).collect::<Vec<_>>(), ids);
        assert_eq!(bytes[4 + 4 * ids.len()..].iter().filter(|byte| **byte != 0).count(), 0);
    }

    #[rstest]
    fn a_decoder_told_to_commit_is_committed_until_told_otherwise() {
        let mut page = Component::new(&[ComponentCapability::HdmDecoder]);
        let control = |page: &Component| {
            let mut bytes = [0; 4];
            page.read(DECODER_CONTROL, &mut bytes);
            u32::from_le_bytes(bytes)
        };
        page.write(DECODER_CONTROL, &COMMIT.to_le_bytes());
        assert_eq!(control(&page), COMMIT | COMMITTED);
        page.write(DECODER_CONTROL, &0u32.to_le_bytes());
        assert_eq!(control(&page), 0);
    }
}
