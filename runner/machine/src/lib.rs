//! Takes a kernel, devices and a command line, gives a running guest with a channel to its agent, and
//! leaves nothing behind.
//!
//! [`Qemu::find`] finds a QEMU that can do it, [`accel::choose`] says by KVM or TCG, a [`Spec`] says
//! what the guest is made of, [`Guest::boot`] boots it. A `main` calls
//! [`cleanup_on_signals`](scrubjay_host::interrupt::cleanup_on_signals) first.
//! The way of one boot:
//!
//! ```text
//! Spec ─► command, initramfs (agent) ─► process ─► vm ◄─ pump ◄─ console, frames, QMP, stderr
//!                                                  │
//!                                    boot: Ready? ─┴─► guest: send, receive, power_off
//! ```
//!
//! ```no_run
//! use scrubjay_machine::{Deadlines, Guest, Qemu, Spec, accel};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let qemu = Qemu::find()?;
//! let choice = accel::choose(&qemu, Path::new("bzImage"))?;
//! let spec = Spec::new("bzImage", choice.accel);
//! let mut guest = Guest::boot(&qemu, &spec, &Deadlines::new(choice.accel, spec.vcpus))?;
//! println!("{choice}; Linux {}", guest.hello().release);
//! guest.power_off();
//! # Ok(())
//! # }
//! ```

pub mod accel;
mod accelerator;
mod agent;
pub mod bare;
mod boot;
mod boot_image;
mod clock;
mod command;
mod console;
mod deadlines;
mod guest;
mod host_time;
mod initramfs;
mod limit;
mod memory;
mod pump;
mod qemu;
mod qmp;
mod run_dir;
mod snapshot;
mod spec;
mod unpacked;
mod vm;

pub use accel::{AccelError, Choice};
pub use accelerator::Accel;
pub use agent::AGENT;
pub use boot::BootError;
pub use boot_image::{BootImage, BootImageError};
pub use command::SpecError;
pub use console::Console;
pub use deadlines::Deadlines;
pub use guest::{BootTimes, Death, Farewell, Guest, GuestError};
pub use host_time::{HostTime, Stall, StallKind};
pub use initramfs::InitramfsError;
pub use limit::{Limit, LimitError};
pub use pump::Way;
pub use qemu::{OLDEST, Places, Qemu, QemuError, Version};
pub use qmp::QmpError;
pub use run_dir::{RunDir, RunDirError};
pub use snapshot::{Snapshot, SnapshotError};
pub use spec::{
    CXL_BUS, Device, Kind, LONGEST_SOCKET_PATH, MOST_DEVICES, PARAMETERS, PCIE_BUS, Port, Spec, Ways,
};
pub use vm::{PlugError, StartError};
