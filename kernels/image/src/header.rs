//! The boot header of an x86 image. (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".)
//!
//! Owns the offsets of the few fields that are needed, and the reasons for which a file cannot be booted.

use std::ops::Range;

/// `setup_sects`: real-mode code in 512-byte sectors without the first; 0 means 4.
const SETUP_SECTS: usize = 0x1f1;
/// `syssize`: protected-mode code in 16-byte units.
const SYSSIZE: usize = 0x1f4;
/// `boot_flag`: 0xaa55.
const BOOT_FLAG: usize = 0x1fe;
/// `header`: `HdrS`.
const MAGIC: usize = 0x202;
/// `version` of the boot protocol, major in the high byte.
const PROTOCOL: usize = 0x206;
/// `kernel_version`: where the version text lies, without [`VERSION_BASE`]; 0 where there is none.
const KERNEL_VERSION: usize = 0x20e;
/// Where `kernel_version` counts from.
const VERSION_BASE: usize = 0x200;
/// `xloadflags`.
const XLOADFLAGS: usize = 0x236;
/// Protocol 2.12 is the first with `xloadflags`.
const FIRST_WITH_XLOADFLAGS: u16 = 0x020c;
/// `XLF_KERNEL_64`: there is a 64-bit entry point.
const KERNEL_64: u16 = 1;
/// `payload_offset` from the start of the protected-mode code, and `payload_length`.
const PAYLOAD: usize = 0x248;
/// Where the last field that is read ends.
const END: usize = PAYLOAD + 8;

/// The longest version text that is believed, in bytes: `UTS_RELEASE` and `UTS_VERSION` are 64 each, with the names of
/// the user and the host between them.
pub const LONGEST_VERSION: usize = 256;

/// How much of a file's start [`BootHeader::parse`] looks at, in bytes: up to the end of the farthest version text.
pub const REACH: usize = VERSION_BASE + u16::MAX as usize + LONGEST_VERSION;

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootHeader {
    /// The version text: release, builder, build number and time, in printable ASCII. Nothing where there is none.
    pub version: Option<String>,
    /// Where the packed kernel lies, from the start of the file. Not held against the file's length.
    pub payload: Range<u64>,
}

/// Why a file cannot be booted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBootable {
    /// It is something else.
    #[error("it is {looks_like}")]
    NotAKernel {
        /// What it seems to be.
        looks_like: &'static str,
    },
    /// It tells of more bytes than there are.
    #[error("it is cut short, {have} of {need} bytes")]
    Truncated {
        /// Bytes in the file.
        have: u64,
        /// Bytes that the header tells of.
        need: u64,
    },
    /// It has no 64-bit entry point.
    #[error("it is a 32-bit kernel")]
    NotSixtyFourBit,
    /// The version text is none that a kernel's build makes.
    #[error("its version is not printable ASCII of at most {LONGEST_VERSION} bytes")]
    Version,
}

impl BootHeader {
    /// Reads a header. `start` holds the first [`REACH`] bytes of a file (all, where it is shorter), `length` is how many
    /// bytes the file has.
    ///
    /// # Errors
    /// [`NotBootable`].
    pub fn parse(start: &[u8], length: u64) -> Result<Self, NotBootable> {
        let head = match start.first_chunk::<END>() {
            Some(head) if &head[MAGIC..MAGIC + 4] == b"HdrS" && half(head, BOOT_FLAG) == 0xaa55 => head,
            _ => return Err(NotBootable::NotAKernel { looks_like: looks_like(start) }),
        };
        let sectors = if head[SETUP_SECTS] == 0 { 4 } else { u64::from(head[SETUP_SECTS]) };
        let protected = (sectors + 1) * 512;
        let need = protected + u64::from(word(head, SYSSIZE)) * 16;
        if length < need {
            return Err(NotBootable::Truncated { have: length, need });
        }
        if half(head, PROTOCOL) < FIRST_WITH_XLOADFLAGS || half(head, XLOADFLAGS) & KERNEL_64 == 0 {
            return Err(NotBootable::NotSixtyFourBit);
        }
        let payload = protected + u64::from(word(head, PAYLOAD));
        Ok(Self {
            version: version(start, half(head, KERNEL_VERSION))?,
            payload: payload..payload + u64::from(word(head, PAYLOAD + 4)),
        })
    }

    /// The first word of the version: what `uname -r` gives. Nothing where the header names no version.
    pub fn release(&self) -> Option<&str> {
        self.version.as_deref()?.split(' ').next()
    }
}

/// The version text, which is shown to users and compared: nothing in it may move a cursor.
fn version(start: &[u8], at: u16) -> Result<Option<String>, NotBootable> {
    if at == 0 {
        return Ok(None);
    }
    let rest = start.get(VERSION_BASE + usize::from(at)..).unwrap_or_default();
    let end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
    let text = &rest[..end];
    if end > LONGEST_VERSION || !text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(NotBootable::Version);
    }
    let text = String::from_utf8_lossy(text).trim().to_owned();
    Ok((!text.is_empty()).then_some(text))
}

/// What the first bytes are if they are not those of a bzImage.
fn looks_like(start: &[u8]) -> &'static str {
    let starts = |magic: &[u8]| start.starts_with(magic);
    match start {
        [] => "an empty file",
        _ if starts(b"\x7fELF") => "an ELF file: give arch/x86/boot/bzImage instead of vmlinux",
        _ if starts(b"\x1f\x8b") => "gzip data",
        _ if starts(b"\xfd7zXZ\0") => "xz data",
        _ if starts(b"\x28\xb5\x2f\xfd") => "zstd data",
        _ if starts(b"!<arch>\n") => "a package or an archive: unpack it first",
        _ if start.get(0x38..0x3c) == Some(b"ARM\x64") => "a kernel for arm64",
        _ if starts(b"MZ") => "a PE file without a Linux boot header",
        _ if start.len() < END => "too short for a kernel",
        _ => "a file without a Linux boot header at 0x1f1",
    }
}

fn half(head: &[u8; END], at: usize) -> u16 {
    u16::from_le_bytes([head[at], head[at + 1]])
}

fn word(head: &[u8; END], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LENGTH: usize = 8192;

    /// The start of a 64-bit kernel of [`LENGTH`] bytes.
    fn image(version: &[u8]) -> Vec<u8> {
        let mut file = vec![0; LENGTH];
        file[SETUP_SECTS] = 1;
        file[SYSSIZE..SYSSIZE + 4].copy_from_slice(&((LENGTH as u32 - 1024) / 16).to_le_bytes());
        file[BOOT_FLAG..BOOT_FLAG + 2].copy_from_slice(&[0x55, 0xaa]);
        file[MAGIC..MAGIC + 4].copy_from_slice(b"HdrS");
        file[PROTOCOL..PROTOCOL + 2].copy_from_slice(&0x020f_u16.to_le_bytes());
        file[KERNEL_VERSION..KERNEL_VERSION + 2].copy_from_slice(&0x0200_u16.to_le_bytes());
        file[XLOADFLAGS] = 1;
        file[PAYLOAD..PAYLOAD + 8].copy_from_slice(&[64, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        file[0x400..0x400 + version.len()].copy_from_slice(version);
        file
    }

    fn parse(file: &[u8]) -> Result<BootHeader, NotBootable> {
        BootHeader::parse(file, file.len() as u64)
    }

    fn with(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    }

    #[test]
    fn the_release_is_the_first_word_of_the_version() {
        let header = parse(&image(b"7.3.4+deb13-amd64 (a@b) #1 SMP")).expect("a kernel");
        assert_eq!(header.release(), Some("7.3.4+deb13-amd64"));
        assert_eq!(header.payload, 1088..1088 + u64::from(u32::MAX));
    }

    #[rstest]
    #[case::no_offset(with(image(b""), KERNEL_VERSION, &[0, 0]))]
    #[case::no_text(image(b""))]
    #[case::blanks(image(b"   "))]
    #[case::beyond_the_file(with(image(b""), KERNEL_VERSION, &[0xff, 0xff]))]
    fn a_kernel_may_name_no_version(#[case] file: Vec<u8>) {
        assert_eq!(parse(&file).expect("a kernel").release(), None);
    }

    #[rstest]
    #[case::escape(b"7.3.4\x1b[2J")]
    #[case::newline(b"7.3.4\nok 1")]
    #[case::beyond_ascii("7.3.4\u{202e}".as_bytes())]
    #[case::endless(&[b'7'; LONGEST_VERSION + 1])]
    fn a_version_that_no_build_makes_is_refused(#[case] version: &[u8]) {
        assert_eq!(parse(&image(version)), Err(NotBootable::Version));
    }

    #[test]
    fn a_kernel_cut_short_is_refused_with_both_sizes() {
        assert_eq!(parse(&image(b"7")[..8000]), Err(NotBootable::Truncated { have: 8000, need: 8192 }));
    }

    #[rstest]
    #[case::no_entry(with(image(b"7"), XLOADFLAGS, &[0]))]
    #[case::before_the_field(with(image(b"7"), PROTOCOL, &[0x0b, 0x02]))]
    fn a_thirty_two_bit_kernel_is_refused(#[case] file: Vec<u8>) {
        assert_eq!(parse(&file), Err(NotBootable::NotSixtyFourBit));
    }

    #[rstest]
    #[case::empty(b"", "an empty file")]
    #[case::text(b"#!/bin/sh\nexit 0\n", "too short")]
    #[case::cut_in_the_header(&image(b"7")[..END - 1], "too short")]
    #[case::elf(b"\x7fELF\x02\x01\x01", "an ELF file")]
    #[case::gzip(b"\x1f\x8b\x08", "gzip data")]
    #[case::package(b"!<arch>\ndebian-binary", "unpack it first")]
    #[case::arm64(&with(vec![0; 0x80], 0x38, b"ARM\x64"), "arm64")]
    #[case::long_nonsense(&[0x42; 4096], "without a Linux boot header")]
    fn what_is_no_kernel_is_named(#[case] file: &[u8], #[case] said: &str) {
        let error = parse(file).expect_err("no kernel").to_string();
        assert!(error.contains(said), "{error}");
    }
}
