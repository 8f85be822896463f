//! The device as the host holds it: a server, and a hand on the firmware.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrubjay_session::MailboxCommand;
use scrubjay_session::cxl::profile::{Fault, OpcodeRef, Play, Profile, Trigger};
use scrubjay_uapi::cxl::{ReturnCode, Selection};

use crate::firmware::ValueError;
use crate::machine::{Machine, Shared};
use crate::server::Service;

/// The longest path of a Unix socket: `sockaddr_un` has 108 bytes, the last of them zero.
pub const SOCKET_PATH_LIMIT: usize = 107;

/// Why a device cannot be served, or a value not be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The path does not fit into a socket address.
    #[error("{}: the path of the device's socket has {len} bytes, more than the {SOCKET_PATH_LIMIT} that a socket address holds (set TMPDIR to a shorter directory)", path.display())]
    SocketPathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        len: usize,
    },
    /// The socket cannot be made.
    #[error("{}: the socket of device `{profile}` cannot be made", path.display())]
    Socket {
        /// The path.
        path: PathBuf,
        /// The profile's id.
        profile: String,
        /// Why.
        source: std::io::Error,
    },
    /// The memory of the BAR cannot be had.
    #[error("device `{profile}` gets no memory for its registers")]
    Memory {
        /// The profile's id.
        profile: String,
        /// Why.
        source: std::io::Error,
    },
    /// The profile's device is QEMU's own.
    #[error("device `{profile}` is one of QEMU's own and needs no server")]
    NotServed {
        /// The profile's id.
        profile: String,
    },
    /// A value that is not there.
    #[error("device `{profile}`: {why}")]
    Value {
        /// The profile's id.
        profile: String,
        /// What is wrong.
        why: ValueError,
    },
}

/// An emulated CXL memory device, served over vfio-user until it is dropped.
///
/// One client at a time; when one goes the next finds a device that has just been powered on. The
/// firmware's values live as long as this does.
#[derive(Debug)]
pub struct Device {
    profile: Profile,
    shared: Arc<Shared>,
    service: Mutex<Service>,
}

impl Device {
    /// Serves a profile's device on a socket, which must not be there yet. It listens on return.
    ///
    /// # Errors
    /// A path too long or taken, a profile of a device that QEMU has itself, no memory.
    pub fn serve(profile: &Profile, socket: &Path) -> Result<Device, DeviceError> {
        let id = || profile.id.clone();
        if !profile.is_served() {
            return Err(DeviceError::NotServed { profile: id() });
        }
        let len = socket.as_os_str().len();
        if len > SOCKET_PATH_LIMIT {
            return Err(DeviceError::SocketPathTooLong { path: socket.to_owned(), len });
        }
        let machine =
            Machine::new(profile).map_err(|source| DeviceError::Memory { profile: id(), source })?;
        let shared = Arc::new(Shared::new(machine));
        let service = Service::start(socket, &profile.id, Arc::clone(&shared))
            .map_err(|source| DeviceError::Socket { path: socket.to_owned(), profile: id(), source })?;
        Ok(Device { profile: profile.clone(), shared, service: Mutex::new(service) })
    }

    /// The profile that is served.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Everything in the firmware as the profile has it: values, faults and holds; the trace is empty.
    /// The kernel does not notice. A command whose doorbell is set is dropped unanswered, so the
    /// doorbell clears.
    pub fn reset(&self) {
        self.shared.machine().restart_firmware();
    }

    /// The mailbox commands completed since the last call, in order. One that a fault never answers is
    /// there at once, with [`crate::NO_ANSWER`]; one that is held or delayed when it is performed.
    pub fn take_trace(&self) -> Vec<MailboxCommand> {
        let machine = &mut *self.shared.machine();
        if let Err(error) = machine.mailbox.settle(&machine.memory) {
            tracing::error!(%error, "the device's memory failed");
        }
        machine.mailbox.take_trace()
    }

    /// The firmware changes one of its values by itself. `feature` is the name in the profile.
    ///
    /// # Errors
    /// No such Feature, bytes beyond its value, or its default value.
    pub fn set_value(
        &self,
        feature: &str,
        selection: Selection,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), DeviceError> {
        let features = &mut self.shared.machine().mailbox.firmware.features;
        features.change(feature, selection, offset, bytes).map_err(|why| self.no_value(why))
    }

    /// One of the firmware's values. `feature` is the name in the profile.
    ///
    /// # Errors
    /// No such Feature.
    pub fn value(&self, feature: &str, selection: Selection) -> Result<Vec<u8>, DeviceError> {
        let features = &self.shared.machine().mailbox.firmware.features;
        features.value(feature, selection).map(<[u8]>::to_vec).map_err(|why| self.no_value(why))
    }

    fn no_value(&self, why: ValueError) -> DeviceError {
        DeviceError::Value { profile: self.profile.id.clone(), why }
    }

    /// The next command with this opcode keeps its doorbell until [`Device::release`], and is performed then.
    pub fn hold(&self, opcode: u16) {
        self.shared.machine().mailbox.hold(opcode);
    }

    /// Waits until a command is held; whether one is.
    pub fn await_held(&self, timeout: Duration) -> bool {
        let guard = self.shared.machine();
        let waited =
            self.shared.held.wait_timeout_while(guard, timeout, |machine| !machine.mailbox.is_held());
        let (machine, _) = waited.unwrap_or_else(PoisonError::into_inner);
        machine.mailbox.is_held()
    }

    /// Performs the command that is held, and holds no other. How long it was held; nothing where none was.
    pub fn release(&self) -> Duration {
        let machine = &mut *self.shared.machine();
        machine.mailbox.release(&machine.memory).unwrap_or_else(|error| {
            tracing::error!(%error, "the device's memory failed");
            Duration::ZERO
        })
    }

    /// Plays a fault from now on, before all others. Its counters start here.
    pub fn inject(&self, fault: Fault) {
        self.shared.machine().mailbox.add_fault(fault);
    }

    /// The next so many commands with this opcode are not performed and answer with this code.
    pub fn fail_next(&self, opcode: u16, code: ReturnCode, times: u32) {
        let on = Trigger { opcode: Some(OpcodeRef(opcode)), times: Some(times), ..Trigger::default() };
        self.inject(Fault { on, play: Play::ReturnCode(code) });
    }

    /// The server dies: the client's connection breaks, no other is taken. The socket stays until the
    /// device is dropped.
    pub fn abandon(&self) {
        self.service().stop();
    }

    /// vfio-user messages served so far: register accesses, DMA mappings, resets.
    pub fn messages(&self) -> u64 {
        self.shared.messages.load(Ordering::Relaxed)
    }

    /// Whether the server still serves.
    pub fn alive(&self) -> bool {
        self.service().alive()
    }

    /// Whether its client was there and is no longer: QEMU has ended, has let the device go, or has given up on a
    /// server that answered too late, and then every access of the guest's fails. Looks at the socket itself, so
    /// that it is known at once.
    pub fn client_gone(&self) -> bool {
        self.service().client_gone()
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
