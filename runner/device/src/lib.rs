//! The emulated CXL memory device, served to QEMU over vfio-user.
