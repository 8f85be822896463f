//! A guest that is kept, with no device in it, and the guests that start from it.
//!
//! QEMU's vfio-user client cannot be migrated, and CXL ports and host bridges have no state that is. So the guest is
//! kept when its kernel knows of none of them: it was told to let go of its CXL roots and of its ports, and finds both
//! again when it is told which devices it has. Owns the two files of a kept guest; they have no name and go with it.

use std::os::fd::OwnedFd;
use std::time::Instant;

use scrubjay_wire::{Hello, Park, ToGuest, ToHost};

use crate::accelerator::Accel;
use crate::boot::BootError;
use crate::command::SPARE_SLOT;
use crate::console::Short;
use crate::deadlines::Deadlines;
use crate::guest::{BootTimes, Guest, GuestError};
use crate::memory::{Memory, unnamed};
use crate::pump::Way;
use crate::qemu::Qemu;
use crate::qmp::QmpError;
use crate::spec::{CXL_BUS, PCIE_BUS, Spec};
use crate::vm::Vm;

/// A guest that is kept.
#[derive(Debug)]
pub struct Snapshot {
    ram: OwnedFd,
    state: OwnedFd,
    qemu: Qemu,
    spec: Spec,
    way: Way,
    hello: Hello,
}

/// Why a guest could not be kept: each guest is then booted.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It was not tried with this accelerator.
    #[error("not tried with {0:?}")]
    Accelerator(Accel),
    /// The host has no room for it.
    #[error("no file for {what}")]
    File {
        /// What was to be in it.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// It did not boot.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The kernel cannot let go.
    #[error("{0}")]
    Refused(String),
    /// What is to start from it is another machine, or has another kernel.
    #[error("another guest was kept than the one that is to start from it")]
    Another,
    /// It was lost on the way.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// QEMU does not keep it.
    #[error(transparent)]
    Qmp(#[from] QmpError),
}

impl Snapshot {
    /// Boots a guest without a device, and keeps it.
    ///
    /// # Errors
    /// Whatever stands in the way; nothing is left of the guest.
    pub fn take(qemu: &Qemu, spec: &Spec, deadlines: &Deadlines) -> Result<Self, SnapshotError> {
        if spec.accel != Accel::Tcg {
            return Err(SnapshotError::Accelerator(spec.accel));
        }
        let bytes = u64::from(spec.memory_mib) << 20;
        let file = |what, bytes| unnamed(what, bytes).map_err(|source| SnapshotError::File { what, source });
        let (ram, state) = (file("memory", bytes)?, file("state", 0)?);
        let spec = Spec { devices: Vec::new(), ..spec.clone() };
        let mut guest = Guest::boot_in(qemu, &spec, deadlines, Memory::Kept(&ram, &state))?;
        let buses = [CXL_BUS, PCIE_BUS].map(|bus| format!("0000:{bus:02x}:")).to_vec();
        let spare = buses.iter().map(|bus| format!("{bus}{SPARE_SLOT:02x}.0")).collect();
        guest.send(&ToGuest::Park(Park { buses, spare }))?;
        match guest.receive(deadlines.step + deadlines.silence)? {
            ToHost::Parked { refused: None } => {}
            ToHost::Parked { refused: Some(why) } => {
                return Err(SnapshotError::Refused(Short(&why).to_string()));
            }
            other => return Err(SnapshotError::Refused(format!("the agent said `{}`", other.name()))),
        }
        guest.vm_mut().save(Instant::now() + deadlines.silence)?;
        let (way, hello) = (guest.way(), guest.hello().clone());
        drop(guest);
        Ok(Snapshot { ram, state, qemu: qemu.clone(), spec, way, hello })
    }

    /// Whether it is the guest that this one would be without devices.
    fn is_of(&self, qemu: &Qemu, spec: &Spec) -> bool {
        let same = |of: &Spec| {
            let kernel = (of.kernel.clone(), of.modules.clone(), of.parameters.clone(), of.append.clone());
            (kernel, of.files.clone(), of.init.clone(), of.vcpus, of.memory_mib, of.ways, of.accel, of.hz)
        };
        self.qemu == *qemu && same(&self.spec) == same(spec)
    }
}

impl Guest {
    /// Starts a guest from one that was kept: as `spec` says, which may have other devices and nothing else that
    /// differs. The agent waits for [`ToGuest::Settle`].
    ///
    /// # Errors
    /// Whatever is wrong with QEMU or what was kept. Nothing is left of a guest that did not start.
    pub fn start(
        qemu: &Qemu,
        spec: &Spec,
        snapshot: &Snapshot,
        deadlines: &Deadlines,
    ) -> Result<Self, SnapshotError> {
        if !snapshot.is_of(qemu, spec) {
            return Err(SnapshotError::Another);
        }
        let memory = Memory::From(&snapshot.ram, &snapshot.state);
        let mut vm = Vm::start(qemu, spec, deadlines, memory).map_err(BootError::Start)?;
        vm.load(Instant::now() + deadlines.silence)?;
        let ready = vm.started.elapsed();
        let times = BootTimes { output: ready, ready };
        tracing::debug!(?ready, "guest has started from a kept one");
        Ok(Guest::new(vm, snapshot.way, snapshot.hello.clone(), times, spec, *deadlines))
    }
}
