//! The kernel proper that a bzImage carries, and whether it can be started as it is.
//! (Documentation/arch/x86/boot.rst, `payload_offset`; arch/x86/platform/pvh/head.S.)
//!
//! What is packed in another way, that is damaged or that unpacks to more than any kernel is nothing here: the guest
//! then unpacks it itself, and whatever is wrong shows as it would on any machine.

use std::io::Read;

use flate2::read::GzDecoder;
use liblzma::stream::Stream;
use object::elf::{EM_X86_64, FileHeader64, PT_NOTE};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endian, Endianness};

use crate::header::BootHeader;

/// The largest image that is unpacked, in bytes: ten times a distribution's with everything built in.
pub const LARGEST_IMAGE: u64 = 256 << 20;
/// The most that a kernel unpacks to, in bytes.
pub const LARGEST_KERNEL: u64 = 512 << 20;
/// The most that a kernel unpacks to, in times of its packed size; real ones are below ten.
const MOST_TIMES: u64 = 64;
/// What is believed of a packed kernel of any size, in bytes.
const SMALL: u64 = 1 << 20;
/// The most memory that a decoder may take, in bytes: twice what scripts/xz_wrap.sh asks for.
const DECODER_MEMORY: u64 = 256 << 20;

/// `XEN_ELFNOTE_PHYS32_ENTRY` (include/xen/interface/elfnote.h).
const PHYS32_ENTRY: u32 = 18;

/// What a bzImage carries, where that is packed by gzip, xz or zstd.
pub fn unpack(image: &[u8]) -> Option<Vec<u8>> {
    let header = BootHeader::parse(image, image.len() as u64).ok()?;
    let bound = |at: u64| usize::try_from(at).ok();
    let payload = image.get(bound(header.payload.start)?..bound(header.payload.end)?)?;
    match payload {
        [0x1f, 0x8b, ..] => whole(GzDecoder::new(payload), payload.len()),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            let stream = Stream::new_stream_decoder(DECODER_MEMORY, 0).ok()?;
            whole(liblzma::read::XzDecoder::new_stream(payload, stream), payload.len())
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            // Behind its one frame stands the unpacked size. Its decoder takes 128 MiB at most by itself.
            whole(zstd::Decoder::with_buffer(payload).ok()?.single_frame(), payload.len())
        }
        _ => None,
    }
}

/// All that a decoder gives, unless that is more than a kernel.
fn whole(decoder: impl Read, packed: usize) -> Option<Vec<u8>> {
    let most = (packed as u64).saturating_mul(MOST_TIMES).clamp(SMALL, LARGEST_KERNEL);
    let mut kernel = Vec::new();
    let count = decoder.take(most + 1).read_to_end(&mut kernel).ok()?;
    (count as u64 <= most).then_some(kernel)
}

/// Whether a kernel can be started by PVH: an ELF-64 file for x86-64 with the note that says where.
pub fn has_pvh_entry(elf: &[u8]) -> bool {
    entry_note(elf).unwrap_or(false)
}

fn entry_note(elf: &[u8]) -> object::Result<bool> {
    let header = FileHeader64::<Endianness>::parse(elf)?;
    let endian = header.endian()?;
    if endian.is_big_endian() || header.e_machine(endian) != EM_X86_64 {
        return Ok(false);
    }
    for segment in header.program_headers(endian, elf)? {
        if segment.p_type(endian) != PT_NOTE {
            continue;
        }
        let Some(mut notes) = segment.notes(endian, elf)? else { continue };
        while let Some(note) = notes.next()? {
            if note.n_type(endian) == PHYS32_ENTRY && note.name() == b"Xen" {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::GzEncoder;
    use rstest::rstest;

    use super::*;

    /// An ELF file whose one segment holds two notes.
    fn elf(kind: u32, name: &[u8; 4]) -> Vec<u8> {
        let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
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
        image[0x1f1] = 1;
        image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
        image[0x236] = 1;
        image[0x248..0x24c].copy_from_slice(&64u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        image.extend(payload);
        image.extend([0x5a; 100]);
        image
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        GzEncoder::new(bytes, Compression::best()).read_to_end(&mut packed).unwrap();
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
    fn a_packed_kernel_is_unpacked(#[case] pack: fn(&[u8]) -> Vec<u8>) {
        let kernel = elf(PHYS32_ENTRY, b"Xen\0");
        assert_eq!(unpack(&image(&pack(&kernel))).as_deref(), Some(&kernel[..]));
    }

    #[rstest]
    #[case::packed_otherwise(b"BZh91AY".to_vec())]
    #[case::nothing(Vec::new())]
    #[case::damaged({ let mut packed = gzip(&[7; 4096]); packed[20] ^= 0xff; packed })]
    #[case::cut_short({ let packed = xz(&[7; 4096]); packed[..packed.len() / 2].to_vec() })]
    #[case::unpacks_without_end(xz(&vec![0; 8 << 20]))]
    fn what_does_not_unpack_is_left_to_itself(#[case] payload: Vec<u8>) {
        assert_eq!(unpack(&image(&payload)), None);
    }

    #[test]
    fn a_payload_beyond_the_file_is_left_to_itself() {
        let mut image = image(&gzip(b"kernel"));
        image[0x24c..0x250].copy_from_slice(&[0xff; 4]);
        assert_eq!(unpack(&image), None);
    }

    #[test]
    fn a_payload_that_asks_for_much_memory_is_left_to_itself() {
        // The dictionary's size in the block's header, raised to 4 GiB, with the header's CRC made anew.
        let mut packed = xz(b"a kernel");
        assert_eq!(&packed[12..16], &[0x02, 0x00, 0x21, 0x01], "a block header with LZMA2 alone");
        packed[16] = 40;
        let mut crc = flate2::Crc::new();
        crc.update(&packed[12..20]);
        packed[20..24].copy_from_slice(&crc.sum().to_le_bytes());
        assert_eq!(unpack(&image(&packed)), None);
        packed[16] = 20;
        let mut crc = flate2::Crc::new();
        crc.update(&packed[12..20]);
        packed[20..24].copy_from_slice(&crc.sum().to_le_bytes());
        assert!(unpack(&image(&packed)).is_some(), "it is the size that is refused");
    }

    #[rstest]
    #[case::with_the_note(elf(PHYS32_ENTRY, b"Xen\0"), true)]
    #[case::with_another_note(elf(PHYS32_ENTRY + 1, b"Xen\0"), false)]
    #[case::with_the_note_of_someone_else(elf(PHYS32_ENTRY, b"Nex\0"), false)]
    #[case::cut_short(elf(PHYS32_ENTRY, b"Xen\0")[..130].to_vec(), false)]
    #[case::of_another_architecture({ let mut elf = elf(PHYS32_ENTRY, b"Xen\0"); elf[18] = 0xb7; elf }, false)]
    #[case::of_another_byte_order({ let mut elf = elf(PHYS32_ENTRY, b"Xen\0"); elf[5] = 2; elf }, false)]
    #[case::no_elf_file(b"MZ".to_vec(), false)]
    fn an_entry_is_found_by_its_note(#[case] kernel: Vec<u8>, #[case] found: bool) {
        assert_eq!(has_pvh_entry(&kernel), found);
    }
}
