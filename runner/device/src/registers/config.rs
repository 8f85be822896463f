//! PCI configuration space: header, PCI Express capability, serial number, CXL DVSECs.

use scrubjay_session::cxl::profile::{Attach, Profile};

use super::{Block, Register, bar, fixed, writable};

/// Bytes of extended configuration space.
pub(crate) const LEN: usize = 0x1000;

/// Where the PCI Express capability lies.
const EXPRESS: usize = 0x40;
/// Where the extended capabilities lie: serial number, DVSEC for CXL devices, register locator, Flex Bus port.
const SERIAL: usize = 0x100;
const DEVICE: usize = 0x110;
const LOCATOR: usize = 0x150;
const FLEX_BUS: usize = 0x170;

/// Device control: initiate a function level reset.
const FUNCTION_LEVEL_RESET: u16 = 1 << 15;

const PCI: &str = "PCIe r6.0, 7.5.1";
const PCIE: &str = "PCIe r6.0, 7.5.3";

/// The registers of a profile's device.
pub(crate) fn registers(profile: &Profile) -> Vec<Register> {
    let mut rows = header(profile);
    rows.extend(express());
    rows.extend(extended(profile));
    rows
}

fn header(profile: &Profile) -> Vec<Register> {
    let (vendor, device) = (u64::from(profile.pci.vendor.0), u64::from(profile.pci.device.0));
    // A 64-bit memory BAR; the bits below its size read as zero.
    let size = bar::len(profile.mailbox_payload);
    vec![
        fixed(0x00, 2, "Vendor ID", PCI, vendor),
        fixed(0x02, 2, "Device ID", PCI, device),
        writable(0x04, 2, "Command", PCI, 0, 0x0546),
        fixed(0x06, 2, "Status (capabilities list)", PCI, 0x0010),
        // CXL memory device: base class 05h, subclass 02h, interface 10h.
        fixed(0x08, 4, "Revision ID, Class Code", "CXL r3.2, 8.1.12.1", 0x0502_1001),
        writable(0x0c, 1, "Cache Line Size", PCI, 0, 0xff),
        writable(0x10, 4, "BAR 0 low", PCI, 0b100, !(size - 1) & 0xffff_fff0),
        writable(0x14, 4, "BAR 0 high", PCI, 0, 0xffff_ffff),
        fixed(0x2c, 2, "Subsystem Vendor ID", PCI, vendor),
        fixed(0x2e, 2, "Subsystem ID", PCI, device),
        fixed(0x34, 1, "Capabilities Pointer", PCI, EXPRESS as u64),
        writable(0x3c, 1, "Interrupt Line", PCI, 0xff, 0xff),
    ]
}

fn express() -> Vec<Register> {
    vec![
        // Id 10h, last; version 2, endpoint.
        fixed(EXPRESS, 4, "PCI Express Capability", PCIE, 0x0002_0010),
        // Role-based error reporting, function level reset.
        fixed(EXPRESS + 0x04, 4, "Device Capabilities", PCIE, 1 << 15 | 1 << 28),
        writable(EXPRESS + 0x08, 2, "Device Control", PCIE, 0x2810, 0x7fff),
        // 8 GT/s, eight lanes.
        fixed(EXPRESS + 0x0c, 4, "Link Capabilities", PCIE, 0x83),
        writable(EXPRESS + 0x10, 2, "Link Control", PCIE, 0, 0x01c3),
        fixed(EXPRESS + 0x12, 2, "Link Status", PCIE, 0x83),
        fixed(EXPRESS + 0x2c, 4, "Link Capabilities 2", PCIE, 0b1110),
        writable(EXPRESS + 0x30, 2, "Link Control 2", PCIE, 3, 0x000f),
    ]
}

/// Id, version 1, offset of the next.
const fn capability(id: u64, next: usize) -> u64 {
    id | 1 << 16 | (next as u64) << 20
}

/// A DVSEC's second header: CXL's vendor id, revision, length.
const fn designated(revision: u64, len: u64) -> u64 {
    0x1e98 | revision << 16 | len << 20
}

fn extended(profile: &Profile) -> Vec<Register> {
    let cxl = profile.attach == Attach::CxlEndpoint;
    let range = u64::from(profile.capacity_mib) << 20;
    let serial = profile.serial.0;
    let dvsec = "CXL r3.2, 8.1.3";
    let locator = "CXL r3.2, 8.1.9";
    let mut rows = vec![
        fixed(SERIAL, 4, "Device Serial Number capability", "PCIe r6.0, 7.9.3", capability(0x3, DEVICE)),
        fixed(SERIAL + 4, 4, "Serial Number low", "PCIe r6.0, 7.9.3", serial & 0xffff_ffff),
        fixed(SERIAL + 8, 4, "Serial Number high", "PCIe r6.0, 7.9.3", serial >> 32),
        fixed(DEVICE, 4, "DVSEC for CXL Devices", dvsec, capability(0x23, LOCATOR)),
        fixed(DEVICE + 4, 4, "… its header 1", dvsec, designated(3, 0x3c)),
        fixed(DEVICE + 8, 2, "… its id", dvsec, 0),
        // CXL.io and CXL.mem capable, memory initialised by hardware, one HDM range.
        fixed(DEVICE + 0x0a, 2, "DVSEC CXL Capability", "CXL r3.2, 8.1.3.1", 0b1_1110),
        // CXL.io enabled; CXL.mem not: a kernel that finds it enabled expects firmware to have set up decoding.
        writable(DEVICE + 0x0c, 2, "DVSEC CXL Control", "CXL r3.2, 8.1.3.2", 0b10, 0b100),
        fixed(DEVICE + 0x18, 4, "Range 1 Size High", "CXL r3.2, 8.1.3.8.1", range >> 32),
        // Information valid, memory active.
        fixed(DEVICE + 0x1c, 4, "Range 1 Size Low", "CXL r3.2, 8.1.3.8.2", range & 0xf000_0000 | 0b11),
        writable(DEVICE + 0x20, 4, "Range 1 Base High", "CXL r3.2, 8.1.3.8.3", 0, 0xffff_ffff),
        writable(DEVICE + 0x24, 4, "Range 1 Base Low", "CXL r3.2, 8.1.3.8.4", 0, 0xf000_0000),
        fixed(
            LOCATOR,
            4,
            "DVSEC Register Locator",
            locator,
            capability(0x23, if cxl { FLEX_BUS } else { 0 }),
        ),
        fixed(LOCATOR + 4, 4, "… its header 1", locator, designated(0, 0x1c)),
        fixed(LOCATOR + 8, 2, "… its id", locator, 8),
        // BAR 0, block 1 (component) and block 3 (memory device).
        fixed(LOCATOR + 0x0c, 4, "Register Block 1 Offset Low", locator, bar::COMPONENT | 1 << 8),
        fixed(LOCATOR + 0x10, 4, "Register Block 1 Offset High", locator, 0),
        fixed(LOCATOR + 0x14, 4, "Register Block 2 Offset Low", locator, bar::MEMDEV | 3 << 8),
        fixed(LOCATOR + 0x18, 4, "Register Block 2 Offset High", locator, 0),
    ];
    if cxl {
        let section = "CXL r3.2, 8.2.1.3";
        rows.extend([
            fixed(FLEX_BUS, 4, "DVSEC Flex Bus Port", section, capability(0x23, 0)),
            fixed(FLEX_BUS + 4, 4, "… its header 1", section, designated(2, 0x20)),
            fixed(FLEX_BUS + 8, 2, "… its id", section, 7),
            // CXL.io and CXL.mem, 68-byte flits and VH.
            fixed(FLEX_BUS + 0x0a, 2, "Flex Bus Port Capability", section, 0x26),
            fixed(FLEX_BUS + 0x0c, 2, "Flex Bus Port Control", section, 0x02),
            fixed(FLEX_BUS + 0x0e, 2, "Flex Bus Port Status", section, 0x26),
        ]);
    }
    rows
}

/// Configuration space and what a write to it asks for.
#[derive(Debug)]
pub(crate) struct Config(Block);

impl Config {
    pub fn new(profile: &Profile) -> Self {
        Config(Block::new(LEN, &registers(profile)))
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }

    pub fn read(&self, at: usize, into: &mut [u8]) {
        self.0.read(at, into);
    }

    /// Writes; whether a function level reset is asked for.
    pub fn write(&mut self, at: usize, data: &[u8]) -> bool {
        self.0.write(at, data);
        // The bit always reads as zero, so it is looked for in what was written.
        let high = EXPRESS + 9;
        let byte = high.checked_sub(at).and_then(|index| data.get(index));
        byte.is_some_and(|byte| u16::from(*byte) << 8 & FUNCTION_LEVEL_RESET != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::path::Path;

    fn profile(attach: &str, payload: u32) -> Profile {
        let text = format!(
            r#"{{ "format": "scrubjay.device/1", "id": "p", "title": "t", "serial": "0x123456789a",
                 "attach": "{attach}", "until": "memdev", "mailbox-payload": {payload}, "capacity-mib": 512 }}"#
        );
        Profile::parse(&text, Path::new("p.json")).unwrap()
    }

    /// Follows the extended capabilities as a kernel does.
    fn dvsecs(config: &Config) -> Vec<u16> {
        let mut out = Vec::new();
        let mut at = SERIAL;
        while at != 0 {
            let header = config.0.u32(at);
            if header & 0xffff == 0x23 {
                assert_eq!(config.0.u32(at + 4) & 0xffff, 0x1e98);
                out.push(config.0.u32(at + 8) as u16);
            }
            at = (header >> 20) as usize;
        }
        out
    }

    #[rstest]
    #[case::endpoint("cxl-endpoint", &[0, 8, 7])]
    #[case::plain("pcie", &[0, 8])]
    fn a_device_has_the_dvsecs_of_its_kind(#[case] attach: &str, #[case] ids: &[u16]) {
        assert_eq!(dvsecs(&Config::new(&profile(attach, 256))), ids);
    }

    #[rstest]
    #[case(256, 0xfffe_0004)]
    #[case(1 << 20, 0xffe0_0004)]
    fn writing_ones_to_the_bar_shows_its_size(#[case] payload: u32, #[case] seen: u32) {
        let mut config = Config::new(&profile("pcie", payload));
        config.write(0x10, &[0xff; 8]);
        assert_eq!(config.0.u32(0x10), seen);
        assert_eq!(config.0.u32(0x14), 0xffff_ffff);
    }

    #[rstest]
    #[case::word(EXPRESS + 8, &[0x10, 0xa8], true)]
    #[case::dword(EXPRESS + 8, &[0x10, 0xa8, 0, 0], true)]
    #[case::without_the_bit(EXPRESS + 8, &[0x10, 0x28], false)]
    #[case::elsewhere(4, &[0xff, 0xff], false)]
    fn a_function_level_reset_is_asked_for_by_one_bit(
        #[case] at: usize,
        #[case] data: &[u8],
        #[case] asked: bool,
    ) {
        let mut config = Config::new(&profile("pcie", 256));
        assert_eq!(config.write(at, data), asked);
        assert_eq!(config.0.u32(EXPRESS + 8) & u32::from(FUNCTION_LEVEL_RESET), 0);
    }

    #[rstest]
    fn the_serial_number_and_the_range_are_the_profiles() {
        let config = Config::new(&profile("pcie", 256));
        assert_eq!((config.0.u32(SERIAL + 4), config.0.u32(SERIAL + 8)), (0x3456_789a, 0x12));
        assert_eq!(config.0.u32(DEVICE + 0x1c), 512 << 20 | 0b11);
    }
}
