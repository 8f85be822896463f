//! Reads a kernel file's header, so that a file that is no kernel is refused before QEMU sees it:
//! QEMU boots whatever it is given, and then nothing happens.
//!
//! Owns the few header fields that this needs. Loads and boots nothing.
//! (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".)

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Why a file cannot be booted.
#[derive(Debug, thiserror::Error)]
pub enum BootImageError {
    /// The file could not be read.
    #[error("kernel {path}: cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("kernel {path}: no x86-64 bzImage ({looks_like})")]
    NotAKernel {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        looks_like: &'static str,
    },
    /// The header tells of more bytes than there are.
    #[error("kernel {path}: cut short, {have} of {need} bytes")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes in the file.
        have: u64,
        /// Bytes that the header tells of.
        need: u64,
    },
    /// A kernel that cannot run the agent.
    #[error("kernel {path}: a 32-bit kernel, and the agent is a 64-bit program")]
    NotSixtyFourBit {
        /// The file.
        path: PathBuf,
    },
}

/// What a kernel file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootImage {
    /// The file, absolute.
    pub path: PathBuf,
    /// `kernel_version`, which begins with what `uname -r` will say; empty where the header has none.
    pub version: String,
}

/// Bytes up to and with `xloadflags` and beyond: what is read of the file's start.
const HEAD: usize = 0x280;
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
/// `kernel_version`: where the version string lies, without 0x200; 0 where there is none.
const KERNEL_VERSION: usize = 0x20e;
/// `xloadflags`, from protocol 2.12 on; bit 0 says that there is a 64-bit entry point.
const XLOADFLAGS: usize = 0x236;
/// The longest version string that is believed.
const LONGEST_VERSION: u64 = 256;

impl BootImage {
    /// Reads the header of `path`.
    pub fn inspect(path: &Path) -> Result<Self, BootImageError> {
        let unreadable = |source| BootImageError::Unreadable { path: path.to_owned(), source };
        let absolute = std::path::absolute(path).map_err(unreadable)?;
        let mut file = File::open(path).map_err(unreadable)?;
        let have = file.metadata().map_err(unreadable)?.len();
        let mut head = Vec::with_capacity(HEAD);
        Read::by_ref(&mut file).take(HEAD as u64).read_to_end(&mut head).map_err(unreadable)?;
        if let Some(looks_like) = something_else(&head) {
            return Err(BootImageError::NotAKernel { path: path.to_owned(), looks_like });
        }
        let sectors = if head[SETUP_SECTS] == 0 { 4 } else { u64::from(head[SETUP_SECTS]) };
        let need = (sectors + 1) * 512 + u64::from(word(&head, SYSSIZE)) * 16;
        if have < need {
            return Err(BootImageError::Truncated { path: path.to_owned(), have, need });
        }
        if half(&head, PROTOCOL) < 0x020c || half(&head, XLOADFLAGS) & 1 == 0 {
            return Err(BootImageError::NotSixtyFourBit { path: path.to_owned() });
        }
        let version = match half(&head, KERNEL_VERSION) {
            0 => String::new(),
            at => read_version(&mut file, u64::from(at) + 0x200).map_err(unreadable)?,
        };
        Ok(BootImage { path: absolute, version })
    }
}

/// What the first bytes are if they are not those of a bzImage.
fn something_else(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if head.len() == HEAD && &head[MAGIC..MAGIC + 4] == b"HdrS" && half(head, BOOT_FLAG) == 0xaa55 {
        return None;
    }
    Some(match head {
        [] => "an empty file",
        _ if starts(b"\x7fELF") => "an ELF file: give arch/x86/boot/bzImage instead of vmlinux",
        _ if starts(b"\x1f\x8b") => "gzip data",
        _ if starts(b"\xfd7zXZ\0") => "xz data",
        _ if starts(b"\x28\xb5\x2f\xfd") => "zstd data",
        _ if starts(b"!<arch>\n") => "a package or an archive: unpack it first",
        _ if starts(b"MZ") => "a PE file without a Linux boot header",
        _ if head.len() < HEAD => "a short file",
        _ => "no Linux boot header at 0x1f1",
    })
}

fn read_version(file: &mut File, at: u64) -> io::Result<String> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(LONGEST_VERSION).read_to_end(&mut bytes)?;
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

fn half(head: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([head[at], head[at + 1]])
}

fn word(head: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::fs;

    /// A header as a 64-bit kernel of 8,192 bytes would have it.
    fn header() -> Vec<u8> {
        let mut file = vec![0; 8192];
        file[SETUP_SECTS] = 1;
        file[SYSSIZE..SYSSIZE + 4].copy_from_slice(&((8192u32 - 1024) / 16).to_le_bytes());
        file[BOOT_FLAG..BOOT_FLAG + 2].copy_from_slice(&[0x55, 0xaa]);
        file[MAGIC..MAGIC + 4].copy_from_slice(b"HdrS");
        file[PROTOCOL..PROTOCOL + 2].copy_from_slice(&0x020fu16.to_le_bytes());
        file[KERNEL_VERSION..KERNEL_VERSION + 2].copy_from_slice(&0x0200u16.to_le_bytes());
        file[XLOADFLAGS] = 1;
        file[0x400..0x40c].copy_from_slice(b"7.3.4 (made)");
        file
    }

    fn inspect(content: &[u8]) -> Result<BootImage, BootImageError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bzImage");
        fs::write(&path, content).unwrap();
        BootImage::inspect(&path)
    }

    #[test]
    fn a_kernel_tells_its_version() {
        assert_eq!(inspect(&header()).unwrap().version, "7.3.4 (made)");
    }

    #[test]
    fn a_kernel_cut_short_is_refused_with_both_sizes() {
        let error = inspect(&header()[..8000]).unwrap_err();
        assert!(matches!(error, BootImageError::Truncated { have: 8000, need: 8192, .. }), "{error}");
    }

    #[test]
    fn a_thirty_two_bit_kernel_is_refused() {
        let mut file = header();
        file[XLOADFLAGS] = 0;
        assert!(matches!(inspect(&file).unwrap_err(), BootImageError::NotSixtyFourBit { .. }));
    }

    #[rstest]
    #[case::empty(b"", "an empty file")]
    #[case::text(b"#!/bin/sh\nexit 0\n", "a short file")]
    #[case::elf(b"\x7fELF\x02\x01\x01", "an ELF file")]
    #[case::gzip(b"\x1f\x8b\x08", "gzip data")]
    #[case::package(b"!<arch>\ndebian-binary", "unpack it first")]
    #[case::long_nonsense(&[0x42; 4096], "no Linux boot header")]
    fn what_is_no_kernel_is_named(#[case] content: &[u8], #[case] said: &str) {
        let error = inspect(content).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }

    #[test]
    fn a_kernel_that_is_not_there_is_named() {
        let error = BootImage::inspect(Path::new("no/such/bzImage")).unwrap_err();
        assert!(error.to_string().contains("no/such/bzImage"), "{error}");
    }
}
