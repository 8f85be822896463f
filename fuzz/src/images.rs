//! Kernel images: boot headers, packed kernels, ELF notes.

use scrubjay_image::{BootHeader, LARGEST_KERNEL, REACH, has_pvh_entry, unpack};

/// A file as a kernel image, and as the kernel that one carries.
pub fn image(data: &[u8]) {
    let start = &data[..data.len().min(REACH)];
    if let Ok(header) = BootHeader::parse(start, data.len() as u64) {
        let release = header.release().unwrap_or_default();
        assert!(release.bytes().all(|byte| byte.is_ascii_graphic()), "{release:?} is shown to users");
    }
    if let Some(kernel) = unpack(data) {
        assert!(kernel.len() as u64 <= LARGEST_KERNEL);
        has_pvh_entry(&kernel);
    }
    has_pvh_entry(data);
}
