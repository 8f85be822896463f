//! QEMU: accelerator, initramfs, guest channel, deadlines.
