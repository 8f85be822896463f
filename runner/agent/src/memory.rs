//! Lays the buffers of an ioctl into memory of their own and reads them back.

use std::num::NonZeroUsize;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use scrubjay_wire::{Buffer, Bytes, Ioctl, Link, Placement};

const PAGE: usize = 4096;

/// An address that user space can never map.
const KERNEL_ADDRESS: u64 = 0xffff_8000_0000_0000;

/// The buffers of one ioctl in memory.
pub struct Laid {
    parts: Vec<Part>,
    links: Vec<Link>,
}

/// One buffer.
struct Part {
    address: u64,
    len: usize,
    /// The mapping, where the buffer has one of its own.
    map: Option<Mapping>,
    /// Whether there is memory at `address` that this part may read and fill.
    open: bool,
    placement: Placement,
}

struct Mapping {
    base: NonNull<std::ffi::c_void>,
    len: usize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `base` and `len` are what `mmap_anonymous` gave, unmapped once.
        let _ = unsafe { munmap(self.base, self.len) };
    }
}

impl Laid {
    /// Maps every buffer of `call`, below 4 GiB, and writes its contents.
    pub fn new(call: &Ioctl) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::with_capacity(call.buffers.len());
        for (i, buffer) in call.buffers.iter().enumerate() {
            parts.push(place(buffer, &parts).map_err(|e| format!("buffer {i}: {e}"))?);
        }
        let laid = Laid { parts, links: call.links.clone() };
        laid.fill(call)?;
        laid.protect(ProtFlags::PROT_READ)?;
        Ok(laid)
    }

    /// Writes the contents and the pointers; what was there before is gone.
    pub fn fill(&self, call: &Ioctl) -> Result<(), String> {
        for (part, buffer) in self.parts.iter().zip(&call.buffers) {
            if part.open {
                // SAFETY: the part's mapping is writable and holds `len` bytes at `address`; it is
                // another mapping than the source's memory.
                unsafe {
                    std::ptr::copy_nonoverlapping(buffer.bytes.as_ptr(), part.address as *mut u8, part.len);
                }
            }
        }
        for link in &self.links {
            let target = self.parts.get(usize::from(link.to)).ok_or("a link to no buffer")?.address;
            self.write_word(link, target)?;
        }
        Ok(())
    }

    /// Makes read-only parts so (`PROT_READ`) or writable again for the next round.
    pub fn protect(&self, flags: ProtFlags) -> Result<(), String> {
        for part in self.parts.iter().filter(|p| p.placement == Placement::ReadOnly) {
            if let Some(map) = &part.map {
                // SAFETY: the mapping is ours and whole.
                unsafe { mprotect(map.base, map.len - PAGE, flags) }.map_err(|e| format!("mprotect: {e}"))?;
            }
        }
        Ok(())
    }

    /// Whether any part has to be made writable before it is filled again.
    pub fn has_read_only(&self) -> bool {
        self.parts.iter().any(|p| p.placement == Placement::ReadOnly)
    }

    /// The address of a buffer.
    pub fn address(&self, buffer: usize) -> u64 {
        self.parts.get(buffer).map_or(0, |p| p.address)
    }

    /// Overwrites `width` bytes of a buffer with a value.
    pub fn poke(&self, buffer: u8, offset: u32, width: u8, value: u64) -> Result<(), String> {
        let bytes = value.to_le_bytes();
        let target = self.slot(buffer, offset, usize::from(width))?;
        // SAFETY: `slot` says that so many bytes are mapped there; `width` is at most 8.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), target, usize::from(width).min(8)) };
        Ok(())
    }

    /// A 32-bit word of a buffer.
    pub fn peek(&self, buffer: u8, offset: u32) -> Result<u32, String> {
        let at = self.slot(buffer, offset, 4)?;
        // SAFETY: `slot` says that four bytes are mapped there; alignment is not assumed.
        Ok(unsafe { at.cast::<u32>().read_unaligned() })
    }

    fn slot(&self, buffer: u8, offset: u32, width: usize) -> Result<*mut u8, String> {
        let part = self.parts.get(usize::from(buffer)).ok_or_else(|| format!("no buffer {buffer}"))?;
        if !part.open || offset as usize + width > part.len {
            return Err(format!("buffer {buffer} has no {width} bytes at {offset}"));
        }
        Ok((part.address as usize + offset as usize) as *mut u8)
    }

    fn write_word(&self, link: &Link, value: u64) -> Result<(), String> {
        self.poke(link.buffer, link.offset, 8, value)
    }

    /// The buffers as they stand; pointers that still have their value become zero.
    pub fn read(&self) -> Vec<Bytes> {
        for link in &self.links {
            let unchanged = self.slot(link.buffer, link.offset, 8).is_ok_and(|at| {
                // SAFETY: `slot` says that eight bytes are mapped there.
                unsafe { at.cast::<u64>().read_unaligned() == self.address(usize::from(link.to)) }
            });
            if unchanged {
                let _ = self.protect(ProtFlags::PROT_READ | ProtFlags::PROT_WRITE);
                let _ = self.write_word(link, 0);
            }
        }
        self.parts.iter().map(Part::bytes).collect()
    }
}

impl Part {
    fn bytes(&self) -> Bytes {
        if !self.open {
            return Bytes::default();
        }
        // SAFETY: the mapping holds `len` readable bytes at `address`, and no call is under way.
        Bytes(unsafe { std::slice::from_raw_parts(self.address as *const u8, self.len) }.to_vec())
    }
}

fn place(buffer: &Buffer, earlier: &[Part]) -> Result<Part, String> {
    let len = buffer.bytes.len();
    let placement = buffer.placement;
    let unowned = |address| Part { address, len, map: None, open: false, placement };
    match placement {
        Placement::Null => return Ok(unowned(0)),
        Placement::Kernel => return Ok(unowned(KERNEL_ADDRESS)),
        Placement::SameAs(n) => {
            let other = earlier.get(usize::from(n)).ok_or("same as a buffer that comes later")?;
            return Ok(unowned(other.address));
        }
        _ => {}
    }
    // One page more than needed, which stays out of reach behind the last byte.
    let usable = (len + 1).next_multiple_of(PAGE);
    let total = NonZeroUsize::new(usable + PAGE).ok_or("an empty mapping")?;
    let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_32BIT;
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing else.
    let base = unsafe { mmap_anonymous(None, total, ProtFlags::PROT_NONE, flags) }
        .map_err(|e| format!("mmap of {total} bytes: {e}"))?;
    let map = Mapping { base, len: total.get() };
    if placement != Placement::Unmapped {
        // SAFETY: the first `usable` bytes of our own mapping.
        unsafe { mprotect(base, usable, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE) }
            .map_err(|e| format!("mprotect: {e}"))?;
    }
    let base = base.as_ptr() as usize as u64;
    let address = match placement {
        Placement::Unaligned => base + 1,
        Placement::PageEnd => base + (usable - len) as u64,
        _ => base,
    };
    // What is out of reach stays mapped without access, so that nothing else moves in.
    Ok(Part { address, len, map: Some(map), open: placement != Placement::Unmapped, placement })
}
