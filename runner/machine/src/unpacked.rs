//! Unpacks a bzImage on the host. What an emulated CPU takes a quarter of a second for, this one does at
//! once; QEMU then starts the kernel proper by its PVH entry (a note of the kernel's,
//! arch/x86/platform/pvh/head.S), where it has one. Owns the search for both; boots nothing.
//!
//! A kernel that is packed in another way, that has no such entry or that is damaged is left to unpack
//! itself: whatever is wrong with it then shows as it would on any machine.
//! (Documentation/arch/x86/boot.rst, `payload_offset`.)

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::read::GzDecoder;
use nix::sys::memfd::{MFdFlags, memfd_create};

/// `setup_sects`: real-mode code in 512-byte sectors without the first; 0 means 4.
const SETUP_SECTS: usize = 0x1f1;
/// `payload_offset` from the start of the protected-mode code, and `payload_length`.
const PAYLOAD: usize = 0x248;

/// More than any kernel unpacks to.
const LARGEST: u64 = 512 << 20;

/// `XEN_ELFNOTE_PHYS32_ENTRY` (include/xen/interface/elfnote.h).
const PHYS32_ENTRY: u32 = 18;

/// The kernel that was unpacked last: one run boots the same again and again.
static LAST: Mutex<Option<(Key, Option<OwnedFd>)>> = Mutex::new(None);

/// A file as it was when it was unpacked.
#[derive(PartialEq)]
struct Key {
    path: PathBuf,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

/// The kernel proper as a file without a name, or nothing where a bzImage has to unpack itself.
pub(crate) fn kernel(path: &Path) -> io::Result<Option<OwnedFd>> {
    let of = fs::metadata(path)?;
    let changed = (of.mtime(), of.mtime_nsec());
    let key = Key { path: path.to_owned(), inode: of.ino(), size: of.size(), changed };
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.as_ref().is_none_or(|(of, _)| *of != key) {
        let unpacked = unpack(&fs::read(path)?).filter(|elf| has_entry(elf));
        let file = unpacked.map(|elf| in_memory("scrubjay-kernel", &elf)).transpose()?;
        *last = Some((key, file));
    }
    let file = last.as_ref().and_then(|(_, file)| file.as_ref());
    file.map(OwnedFd::try_clone).transpose()
}

/// A file without a name.
pub(crate) fn in_memory(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file.into())
}

/// What a bzImage carries, where that is packed by gzip, xz or zstd.
fn unpack(image: &[u8]) -> Option<Vec<u8>> {
    let sectors = match *image.get(SETUP_SECTS)? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let at = (sectors + 1) * 512 + word(image, PAYLOAD)? as usize;
    let payload = image.get(at..at.checked_add(word(image, PAYLOAD + 4)? as usize)?)?;
    let mut unpacked = Vec::new();
    let read = match payload {
        [0x1f, 0x8b, ..] => GzDecoder::new(payload).take(LARGEST).read_to_end(&mut unpacked),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            liblzma::read::XzDecoder::new(payload).take(LARGEST).read_to_end(&mut unpacked)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            // Behind its one frame stands the unpacked size.
            let decoder = zstd::Decoder::with_buffer(payload).ok()?.single_frame();
            decoder.take(LARGEST).read_to_end(&mut unpacked)
        }
        _ => return None,
    };
    read.is_ok().then_some(unpacked)
}

/// Whether a kernel can be started by PVH: an ELF-64 file for x86-64 with the note that says where.
fn has_entry(elf: &[u8]) -> bool {
    elf.starts_with(b"\x7fELF\x02\x01") && half(elf, 18) == Some(62) && notes(elf).any(is_entry)
}

/// The contents of every note segment.
fn notes(elf: &[u8]) -> impl Iterator<Item = &[u8]> {
    let table = long(elf, 32).unwrap_or(0) as usize;
    let size = half(elf, 54).unwrap_or(0) as usize;
    let count = half(elf, 56).unwrap_or(0) as usize;
    let headers = (0..count).map(move |i| table.saturating_add(i * size));
    headers.filter(|&header| word(elf, header) == Some(4)).filter_map(|header| {
        let (start, len) = (long(elf, header + 8)? as usize, long(elf, header + 32)? as usize);
        elf.get(start..start.checked_add(len)?)
    })
}

/// Whether a segment of notes has the one of that type and of Xen's name.
fn is_entry(mut segment: &[u8]) -> bool {
    loop {
        let (Some(name), Some(desc), Some(kind)) = (word(segment, 0), word(segment, 4), word(segment, 8))
        else {
            return false;
        };
        let padded = |len: u32| (len as usize).next_multiple_of(4);
        if kind == PHYS32_ENTRY && segment.get(12..12 + name as usize) == Some(b"Xen\0") {
            return true;
        }
        let Some(rest) = segment.get(12 + padded(name) + padded(desc)..) else { return false };
        segment = rest;
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use flate2::Compression;
    use flate2::read::GzEncoder;
    use rstest::rstest;

    use super::*;

    /// An ELF file whose one segment holds one note.
    fn elf(kind: u32, name: &[u8; 4]) -> Vec<u8> {
        let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0".to_vec();
        elf.resize(120, 0);
        elf[32..40].copy_from_slice(&64u64.to_le_bytes());
        elf[54..56].copy_from_slice(&56u16.to_le_bytes());
        elf[56..58].copy_from_slice(&1u16.to_le_bytes());
        elf[64..68].copy_from_slice(&4u32.to_le_bytes());
        elf[72..80].copy_from_slice(&120u64.to_le_bytes());
        let other = [4u32.to_le_bytes(), 2u32.to_le_bytes(), 1u32.to_le_bytes(), *b"GNU\0", [7, 7, 0, 0]];
        let note = [4u32.to_le_bytes(), 8u32.to_le_bytes(), kind.to_le_bytes(), *name, [0; 4], [0; 4]];
        let notes = [other.concat(), note.concat()].concat();
        elf[96..104].copy_from_slice(&(notes.len() as u64).to_le_bytes());
        elf.extend(notes);
        elf
    }

    fn image(payload: &[u8]) -> Vec<u8> {
        let mut image = vec![0; 1024 + 64];
        image[SETUP_SECTS] = 1;
        image[PAYLOAD..PAYLOAD + 4].copy_from_slice(&64u32.to_le_bytes());
        image[PAYLOAD + 4..PAYLOAD + 8].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        image.extend(payload);
        image.extend([0x5a; 100]);
        image
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut packed).unwrap();
        packed
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        liblzma::read::XzEncoder::new(bytes, 1).read_to_end(&mut packed).unwrap();
        [packed, (bytes.len() as u32).to_le_bytes().to_vec()].concat()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        [zstd::encode_all(bytes, 1).unwrap(), (bytes.len() as u32).to_le_bytes().to_vec()].concat()
    }

    #[rstest]
    #[case::gzip(gzip)]
    #[case::xz(xz)]
    #[case::zstd(zstd)]
    fn a_kernel_is_unpacked(#[case] pack: fn(&[u8]) -> Vec<u8>) {
        let kernel = elf(PHYS32_ENTRY, b"Xen\0");
        assert_eq!(unpack(&image(&pack(&kernel))).unwrap(), kernel);
    }

    #[rstest]
    #[case::packed_in_another_way(b"BZh91AY".to_vec())]
    #[case::damaged(gzip(&[1; 5000])[..20].to_vec())]
    #[case::empty(vec![])]
    fn what_cannot_be_unpacked_is_left_alone(#[case] payload: Vec<u8>) {
        assert_eq!(unpack(&image(&payload)), None);
    }

    #[rstest]
    #[case::with_the_note(elf(PHYS32_ENTRY, b"Xen\0"), true)]
    #[case::with_another_note(elf(PHYS32_ENTRY + 1, b"Xen\0"), false)]
    #[case::with_the_note_of_someone_else(elf(PHYS32_ENTRY, b"Nex\0"), false)]
    #[case::cut_short(elf(PHYS32_ENTRY, b"Xen\0")[..130].to_vec(), false)]
    #[case::no_elf_file(b"MZ".to_vec(), false)]
    fn an_entry_is_found_by_its_note(#[case] kernel: Vec<u8>, #[case] found: bool) {
        assert_eq!(has_entry(&kernel), found);
    }

    #[test]
    fn a_file_that_was_replaced_is_unpacked_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bzImage");
        let contents = |path: &Path| {
            let file = File::from(kernel(path).unwrap()?);
            let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
            file.read_exact_at(&mut bytes, 0).unwrap();
            Some(bytes)
        };
        let one = elf(PHYS32_ENTRY, b"Xen\0");
        fs::write(&path, image(&gzip(&one))).unwrap();
        assert_eq!(contents(&path), Some(one.clone()));
        assert_eq!(contents(&path), Some(one));
        fs::write(dir.path().join("new"), image(b"neither gzip nor xz")).unwrap();
        fs::rename(dir.path().join("new"), &path).unwrap();
        assert_eq!(contents(&path), None);
    }
}
