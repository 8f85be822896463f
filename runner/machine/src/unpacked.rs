//! Unpacks a bzImage on the host. What an emulated CPU takes a quarter of a second for, this one does at
//! once; QEMU then starts the kernel proper by its PVH entry, where it has one. Owns the unpacked kernel while a run
//! lasts; `scrubjay-image` reads the image.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::sys::memfd::{MFdFlags, memfd_create};
use scrubjay_image::{LARGEST_IMAGE, has_pvh_entry, unpack};

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
        let mut image = Vec::new();
        File::open(path)?.take(LARGEST_IMAGE).read_to_end(&mut image)?;
        let unpacked = unpack(&image).filter(|elf| has_pvh_entry(elf));
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use flate2::Compression;
    use flate2::read::GzEncoder;

    use super::*;

    /// A kernel that starts by PVH: an ELF file whose one segment holds the note, `XEN_ELFNOTE_PHYS32_ENTRY`.
    fn elf() -> Vec<u8> {
        let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
        elf.resize(120, 0);
        elf[32..40].copy_from_slice(&64u64.to_le_bytes());
        elf[54..56].copy_from_slice(&56u16.to_le_bytes());
        elf[56..58].copy_from_slice(&1u16.to_le_bytes());
        elf[64..68].copy_from_slice(&4u32.to_le_bytes());
        elf[72..80].copy_from_slice(&120u64.to_le_bytes());
        elf[96..104].copy_from_slice(&20u64.to_le_bytes());
        elf.extend([4u32.to_le_bytes(), 4u32.to_le_bytes(), 18u32.to_le_bytes(), *b"Xen\0", [0; 4]].concat());
        elf
    }

    fn image(payload: &[u8]) -> Vec<u8> {
        let mut image = vec![0; 1024];
        image[0x1f1] = 1;
        image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x206..0x208].copy_from_slice(&0x020fu16.to_le_bytes());
        image[0x236] = 1;
        image[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        image.extend(payload);
        image
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut packed).unwrap();
        packed
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
        let one = elf();
        fs::write(&path, image(&gzip(&one))).unwrap();
        assert_eq!(contents(&path), Some(one.clone()));
        assert_eq!(contents(&path), Some(one));
        fs::write(dir.path().join("new"), image(b"neither gzip nor xz")).unwrap();
        fs::rename(dir.path().join("new"), &path).unwrap();
        assert_eq!(contents(&path), None);
    }
}
