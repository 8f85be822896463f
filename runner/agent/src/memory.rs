//! Lays the buffers of an ioctl into memory of their own and reads them back.

use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

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

/// Memory below 4 GiB whose last page is out of reach.
struct Mapping {
    base: NonNull<std::ffi::c_void>,
    len: usize,
    /// Whether all but the last page can be read and written: such a mapping is used again.
    plain: bool,
}

// SAFETY: a mapping belongs to the process and not to a thread, and has one owner.
unsafe impl Send for Mapping {}

/// Mappings that a call has left: an emulated CPU pays for every mapping that comes or goes with all that
/// it knew of addresses.
static SPARE: Mutex<Vec<Mapping>> = Mutex::new(Vec::new());

/// Mappings up to this size are worth keeping, and so many of them.
const SPARE_SIZE: usize = 4 * PAGE;
const SPARE_COUNT: usize = 16;

impl Mapping {
    /// `usable` bytes of zeros and a page out of reach behind them. Of an unmapped buffer all is out of reach.
    fn new(usable: usize, placement: Placement) -> Result<Self, String> {
        let len = usable + PAGE;
        let plain = !matches!(placement, Placement::Unmapped | Placement::ReadOnly);
        if plain && let Some(map) = Self::spare(len) {
            // What a call left there must not be what the next one finds behind its buffer.
            // SAFETY: a spare mapping is plain and has no other owner.
            unsafe { std::ptr::write_bytes(map.base.as_ptr().cast::<u8>(), 0, usable) };
            return Ok(map);
        }
        let total = NonZeroUsize::new(len).ok_or("an empty mapping")?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_32BIT;
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing else.
        let base = unsafe { mmap_anonymous(None, total, ProtFlags::PROT_NONE, flags) }
            .map_err(|e| format!("mmap of {total} bytes: {e}"))?;
        let map = Mapping { base, len, plain };
        if placement != Placement::Unmapped {
            // SAFETY: the first `usable` bytes of our own mapping.
            unsafe { mprotect(base, usable, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE) }
                .map_err(|e| format!("mprotect: {e}"))?;
        }
        Ok(map)
    }

    fn spare(len: usize) -> Option<Self> {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let index = spare.iter().position(|map| map.len == len)?;
        Some(spare.swap_remove(index))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if self.plain && self.len <= SPARE_SIZE && spare.len() < SPARE_COUNT {
            spare.push(Mapping { ..*self });
            return;
        }
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
    let map = Mapping::new(usable, placement)?;
    let base = map.base.as_ptr() as usize as u64;
    let address = match placement {
        Placement::Unaligned => base + 1,
        Placement::PageEnd => base + (usable - len) as u64,
        _ => base,
    };
    // What is out of reach stays mapped without access, so that nothing else moves in.
    Ok(Part { address, len, map: Some(map), open: placement != Placement::Unmapped, placement })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;
    use nix::libc;
    use nix::unistd::pipe;
    use scrubjay_wire::{Arg, Entry32};
    use std::os::fd::AsRawFd;

    fn call(len: usize, placement: Placement) -> Ioctl {
        Ioctl {
            slot: String::new(),
            request: 0,
            arg: Arg::Buffer,
            buffers: vec![Buffer { bytes: Bytes::untouched(len), placement }],
            links: vec![],
            entry: Entry32::Native,
        }
    }

    /// What the kernel finds at an address.
    fn kernel_reads(address: u64, len: usize) -> Result<Vec<u8>, Errno> {
        let (from, to) = pipe().unwrap();
        // SAFETY: the kernel checks the address; the second pointer is to a vector of that length.
        unsafe {
            Errno::result(libc::write(to.as_raw_fd(), address as *const _, len))?;
            let mut bytes = vec![0; len];
            Errno::result(libc::read(from.as_raw_fd(), bytes.as_mut_ptr().cast(), len))?;
            Ok(bytes)
        }
    }

    #[test]
    fn a_call_finds_nothing_of_an_earlier_one_behind_its_buffer() {
        let first = Laid::new(&call(64, Placement::Normal)).unwrap();
        let address = first.address(0);
        // SAFETY: the page is this buffer's, and longer than it.
        unsafe { std::ptr::write_bytes((address + 64) as *mut u8, 0x77, 32) };
        drop(first);
        let again = Laid::new(&call(16, Placement::Normal)).unwrap();
        assert_eq!(again.address(0), address, "the mapping was not used again");
        assert_eq!(kernel_reads(address, 16).unwrap(), [0xa5; 16]);
        assert_eq!(kernel_reads(address + 16, 128).unwrap(), [0; 128]);
    }

    #[test]
    fn what_lies_behind_the_pages_of_a_buffer_is_out_of_reach() {
        for placement in [Placement::Normal, Placement::PageEnd] {
            let laid = Laid::new(&call(4000, placement)).unwrap();
            let end = (laid.address(0) + 4000).next_multiple_of(PAGE as u64);
            assert_eq!(kernel_reads(end, 1), Err(Errno::EFAULT));
        }
        let nowhere = Laid::new(&call(8, Placement::Unmapped)).unwrap();
        assert_eq!(kernel_reads(nowhere.address(0), 8), Err(Errno::EFAULT));
    }
}
