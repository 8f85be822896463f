//! One QEMU with its guest: started, listened to, ended.
//!
//! Owns the process, its ends and the order of events; turns them into the next frame or the reason
//! why none can come. Knows nothing of what a boot is or of what the frames mean.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use qapi::qmp::{self, Event as QmpEvent, ObjectOptions, ShutdownCause};
use scrubjay_host::{Manner, Process};
use scrubjay_wire::{ToGuest, ToHost, frame};
use serde_json::json;

use crate::accelerator::Accel;
use crate::boot_image::{BootImage, BootImageError};
use crate::clock;
use crate::command::{Backing, SpecError, Wiring, arguments, device_id, device_object, inherited, memory_id};
use crate::console::{Console, ConsoleLog};
use crate::deadlines::Deadlines;
use crate::initramfs::{self, InitramfsError};
use crate::memory::Memory;
use crate::pump::{Ends, Event, Heard, Way, console_pipe, start};
use crate::qemu::Qemu;
use crate::qmp::{Qmp, QmpError};
use crate::spec::{Kind, Spec, Ways};
use crate::unpacked::{self, in_memory};

/// How long a QEMU that has closed its sockets may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(2);

/// How often it is looked whether QEMU has moved a guest's state.
const LOOK: Duration = Duration::from_millis(1);

/// What a guest gives next.
pub(crate) enum Next {
    Frame(Way, Box<ToHost>),
    /// Nothing, and the time is over.
    Late,
    /// Nothing, for ever.
    Ended(Ending),
}

/// Why nothing more can come.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Panicked(String),
    /// The guest reset itself: a reboot, or a fault that the kernel could not even report.
    Reset,
    PoweredOff,
    QemuExited(Option<ExitStatus>),
    /// QEMU runs, and its CPUs do not.
    Stopped(String),
    Garbled(Way, String),
    ConsoleFile(String),
    /// QEMU's monitor says too much.
    Monitor(String),
}

/// One QEMU with its guest. Dropping it ends both.
pub(crate) struct Vm {
    process: Process,
    pump: Option<JoinHandle<()>>,
    events: Receiver<Event>,
    heard: Arc<Heard>,
    qmp: Qmp,
    serial: UnixStream,
    virtio: Option<UnixStream>,
    early: VecDeque<(Way, Box<ToHost>)>,
    panic: Option<(String, Instant)>,
    shutdown: Option<ShutdownCause>,
    ended: Option<Ending>,
    panic_patience: Duration,
    plugs: u32,
    /// Ids of devices that QEMU took out and nobody plugged in again.
    removed: BTreeSet<String>,
    /// By what number QEMU knows the file for the machine's state.
    state: Option<RawFd>,
    /// The guest stands still because it was asked to.
    paused: bool,
    pub started: Instant,
}

impl Vm {
    /// Starts QEMU.
    pub fn start(
        qemu: &Qemu,
        spec: &Spec,
        deadlines: &Deadlines,
        memory: Memory<'_>,
    ) -> Result<Self, StartError> {
        let image = BootImage::inspect(&spec.kernel)?;
        let spec = Spec { kernel: image.path, ..spec.clone() };
        let archive = initramfs::build(&spec.init, &spec.modules, &spec.files)?;
        let console = open_console(&spec)?;
        let failed = |source| StartError::Qemu { qemu: qemu.path().to_owned(), source };

        let initramfs = in_memory("scrubjay-initramfs", &archive).map_err(failed)?;
        let unpacked = match spec.accel {
            Accel::Tcg => unpacked::kernel(&spec.kernel).map_err(failed)?,
            Accel::Kvm => None,
        };
        let (console_end, their_console) = console_pipe().map_err(failed)?;
        let wired = |fd: &OwnedFd| fd.as_raw_fd();
        let (initramfs_fd, console_fd) = (wired(&initramfs), wired(&their_console));
        let kernel_fd = unpacked.as_ref().map(wired);
        let mut theirs = vec![initramfs, their_console];
        theirs.extend(unpacked);
        let mut inherit = |fd: &OwnedFd| -> Result<i32, StartError> {
            let copy = fd.try_clone().map_err(failed)?;
            let number = copy.as_raw_fd();
            theirs.push(copy);
            Ok(number)
        };
        let (backing, state) = match memory {
            Memory::Own => (None, None),
            Memory::Kept(ram, state) => (Some(Backing::Shared(inherit(ram)?)), Some(inherit(state)?)),
            Memory::From(ram, state) => (Some(Backing::Private(inherit(ram)?)), Some(inherit(state)?)),
        };
        let mut pair = || -> Result<(UnixStream, i32), StartError> {
            let (ours, other) = UnixStream::pair().map_err(failed)?;
            ours.set_write_timeout(Some(deadlines.silence)).map_err(failed)?;
            let other = OwnedFd::from(other);
            let number = other.as_raw_fd();
            theirs.push(other);
            Ok((ours, number))
        };
        let (serial, serial_fd) = pair()?;
        let (qmp_end, qmp_fd) = pair()?;
        let virtio = if spec.ways == Ways::Both { Some(pair()?) } else { None };
        let (stderr, their_stderr) = UnixStream::pair().map_err(failed)?;

        let wiring = Wiring {
            console: console_fd,
            serial: serial_fd,
            qmp: qmp_fd,
            virtio: virtio.as_ref().map(|(_, fd)| *fd),
            initramfs: initramfs_fd,
            kernel: kernel_fd,
            monitor_objects: qemu.has_monitor_objects(),
            tsc_khz: clock::tsc_khz(),
            memory: backing,
        };
        let arguments = arguments(&spec, &wiring)?;
        tracing::debug!(program = %qemu.path().display(), ?arguments, "start");
        let started = Instant::now();
        let mut command = Command::new(qemu.path());
        command.args(arguments).stdout(Stdio::null()).stderr(OwnedFd::from(their_stderr));
        let process = Process::start(command, theirs, Manner::Kill).map_err(failed)?;
        if let Some(time) = &spec.host_time {
            time.follow(process.id());
        }

        let heard = Arc::new(Heard::new(ConsoleLog::new(console, spec.limit.console_part())));
        let (events_in, events) = channel();
        let (replies_in, replies) = channel();
        let virtio = virtio.map(|(end, _)| end);
        let qmp = Qmp::new(qmp_end.try_clone().map_err(failed)?, replies);
        let ends = Ends {
            console: console_end,
            stderr,
            qmp: qmp_end,
            serial: serial.try_clone().map_err(failed)?,
            virtio: virtio.as_ref().map(UnixStream::try_clone).transpose().map_err(failed)?,
        };
        let pump = start(ends, Arc::clone(&heard), events_in, replies_in, spec.limit).map_err(failed)?;
        Ok(Vm {
            process,
            pump: Some(pump),
            events,
            heard,
            qmp,
            serial,
            virtio,
            early: VecDeque::new(),
            panic: None,
            shutdown: None,
            ended: None,
            panic_patience: deadlines.panic,
            plugs: 0,
            removed: BTreeSet::new(),
            state,
            paused: matches!(memory, Memory::From(..)),
            started,
        })
    }

    /// QEMU's process id.
    pub fn id(&self) -> Pid {
        self.process.id()
    }

    /// The console so far.
    pub fn console(&self) -> Console {
        self.heard.console().text()
    }

    /// Bytes of frames so far, and what they grew to.
    pub fn said(&self) -> usize {
        self.heard.said()
    }

    /// QEMU's own words so far.
    pub fn stderr(&self) -> String {
        self.heard.stderr()
    }

    /// When the console first spoke.
    pub fn first_word(&self) -> Option<Instant> {
        self.heard.first_word()
    }

    /// The next frame, or why there is none. After a panic, waits for QEMU's end as long as a panic
    /// may take, whatever `until` says: the console's last lines belong to it.
    pub fn next(&mut self, until: Instant) -> Next {
        if let Some((way, message)) = self.early.pop_front() {
            return Next::Frame(way, message);
        }
        self.step(until)
    }

    /// How the guest ended, waiting for that at most until `until`; frames that come meanwhile are kept.
    pub fn ending(&mut self, until: Instant) -> Option<Ending> {
        loop {
            match self.step(until) {
                Next::Frame(way, message) => self.early.push_back((way, message)),
                Next::Late => return None,
                Next::Ended(ending) => return Some(ending),
            }
        }
    }

    fn step(&mut self, until: Instant) -> Next {
        loop {
            if let Some(ending) = &self.ended {
                return Next::Ended(ending.clone());
            }
            let limit = self.panic.as_ref().map_or(until, |(_, limit)| *limit);
            match self.events.recv_timeout(limit.saturating_duration_since(Instant::now())) {
                Ok(Event::Frame(way, message)) => return Next::Frame(way, message),
                Ok(event) => self.note(event),
                Err(RecvTimeoutError::Timeout) => match self.panic.take() {
                    Some((line, _)) => self.ended = Some(Ending::Panicked(line)),
                    None => return Next::Late,
                },
                Err(RecvTimeoutError::Disconnected) => self.note(Event::Gone),
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Frame(way, message) => self.early.push_back((way, message)),
            Event::Panic(line) => {
                self.panic.get_or_insert((line, Instant::now() + self.panic_patience));
            }
            Event::Garbled(way, why) => self.ended = Some(Ending::Garbled(way, why)),
            Event::Monitor(why) => self.ended = Some(Ending::Monitor(why)),
            Event::ConsoleFile(error) => self.ended = Some(Ending::ConsoleFile(error.to_string())),
            Event::Gone => self.ended = Some(self.end()),
            Event::Qmp(event) => match *event {
                QmpEvent::SHUTDOWN { data, .. } => self.shutdown = Some(data.reason),
                QmpEvent::DEVICE_DELETED { data, .. } => self.removed.extend(data.device),
                // Nobody here stops a guest: QEMU did, because it cannot go on.
                QmpEvent::STOP { .. } if self.shutdown.is_none() && !self.paused => {
                    let state = self.qmp.execute(qmp::query_status {});
                    let state = state.map_or_else(|e| e.to_string(), |info| name_of(&info.status));
                    self.ended = Some(Ending::Stopped(state));
                }
                _ => {}
            },
        }
    }

    fn end(&mut self) -> Ending {
        let status = self.process.wait(Instant::now() + LAST_BREATH).or_else(|| self.process.end());
        match (self.panic.take(), self.shutdown) {
            (Some((line, _)), _) => Ending::Panicked(line),
            (None, Some(ShutdownCause::guest_reset | ShutdownCause::guest_panic)) => Ending::Reset,
            (None, Some(ShutdownCause::guest_shutdown)) => Ending::PoweredOff,
            (None, _) => Ending::QemuExited(status),
        }
    }

    /// Sends one frame. Fails if QEMU does not take it within the deadline of silence.
    pub fn send(&mut self, way: Way, message: &ToGuest) -> io::Result<()> {
        let stream = match way {
            Way::Virtio => self.virtio.as_mut().ok_or(io::ErrorKind::NotConnected)?,
            Way::Serial => &mut self.serial,
        };
        stream.write_all(&frame::encode(message))
    }

    /// Asks the guest to let go of a device and waits for that; frames that come meanwhile are kept.
    /// Gives false if the guest has not let go in time.
    pub fn unplug(&mut self, index: usize, until: Instant) -> Result<bool, QmpError> {
        let id = device_id(index);
        self.qmp.execute(qmp::device_del { id: id.clone() })?;
        while self.ended.is_none() {
            match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Qmp(event)) => match *event {
                    QmpEvent::DEVICE_DELETED { data, .. } if data.device.as_deref() == Some(&id) => {
                        self.removed.insert(id);
                        return Ok(true);
                    }
                    QmpEvent::DEVICE_UNPLUG_GUEST_ERROR { data, .. }
                        if data.device.as_deref() == Some(&id) =>
                    {
                        return Ok(false);
                    }
                    _ => self.note(Event::Qmp(event)),
                },
                Ok(event) => self.note(event),
                Err(RecvTimeoutError::Timeout) => return Ok(false),
                Err(RecvTimeoutError::Disconnected) => self.note(Event::Gone),
            }
        }
        Ok(false)
    }

    /// Plugs a device into its slot, with memory behind it where it needs some.
    pub fn plug(&mut self, index: usize, kind: &Kind) -> Result<(), PlugError> {
        // QEMU does not give the memory of an unplugged stock device free (11.1): each time it is another.
        self.plugs += 1;
        let memory = format!("{}-{}", memory_id(index), self.plugs);
        let Some(serde_json::Value::Object(mut object)) = device_object(index, kind, &memory)? else {
            return Ok(());
        };
        if let Kind::StockType3 { size_mib, .. } = kind {
            let options = json!({
                "qom-type": "memory-backend-ram", "id": memory, "size": u64::from(*size_mib) << 20,
            });
            let options: ObjectOptions = serde_json::from_value(options).expect("QEMU's own form");
            self.qmp.execute(qmp::object_add(options))?;
        }
        let mut take = |key| object.remove(key).and_then(|v| v.as_str().map(str::to_owned));
        let (driver, id, bus) = (take("driver").unwrap_or_default(), take("id"), take("bus"));
        self.qmp.execute(qmp::device_add::new(driver, id, bus, object))?;
        self.removed.remove(&device_id(index));
        Ok(())
    }

    /// Whether QEMU has taken a device out of its slot.
    pub fn has_removed(&mut self, index: usize) -> bool {
        // QEMU's answer comes behind all that it told before; without one nothing more is known.
        let _ = self.qmp.execute(qmp::query_status {});
        while let Ok(event) = self.events.try_recv() {
            self.note(event);
        }
        self.removed.contains(&device_id(index))
    }

    /// Stops the guest and writes all of it but its memory, which is a file already, into the other file.
    pub fn save(&mut self, until: Instant) -> Result<(), QmpError> {
        self.paused = true;
        self.qmp.execute(qmp::stop {})?;
        self.leave_memory_out()?;
        let (uri, channels, detach, resume) = (Some(self.state_uri()), None, None, None);
        self.qmp.execute(qmp::migrate { uri, channels, detach, resume })?;
        self.await_state(until)
    }

    /// Takes all but the memory from the file and lets the guest go on.
    pub fn load(&mut self, until: Instant) -> Result<(), QmpError> {
        self.leave_memory_out()?;
        let (uri, channels, exit_on_error) = (Some(self.state_uri()), None, Some(false));
        self.qmp.execute(qmp::migrate_incoming { uri, channels, exit_on_error })?;
        self.await_state(until)?;
        self.qmp.execute(qmp::cont {})?;
        self.paused = false;
        Ok(())
    }

    fn state_uri(&self) -> String {
        format!("file:{}", inherited(self.state.unwrap_or(-1)))
    }

    /// Memory that is a shared file is not part of the stream (QEMU's docs/system/vm-templating.rst).
    fn leave_memory_out(&mut self) -> Result<(), QmpError> {
        let capability = qmp::MigrationCapability::x_ignore_shared;
        let capabilities = vec![qmp::MigrationCapabilityStatus { capability, state: true }];
        self.qmp.execute(qmp::migrate_set_capabilities { capabilities }).map(drop)
    }

    fn await_state(&mut self, until: Instant) -> Result<(), QmpError> {
        loop {
            let info = self.qmp.execute(qmp::query_migrate {})?;
            let failed = |why: String| Err(QmpError::Refused { command: "migrate", why });
            match info.status {
                Some(qmp::MigrationStatus::completed) => return Ok(()),
                Some(qmp::MigrationStatus::failed | qmp::MigrationStatus::cancelled) => {
                    return failed(info.error_desc.unwrap_or_else(|| "no reason given".to_owned()));
                }
                _ if Instant::now() >= until => return failed("not done in time".to_owned()),
                _ => thread::sleep(LOOK),
            }
        }
    }

    /// What QEMU says that it is doing: `running`, `paused`, `internal-error` and so on.
    pub fn state(&mut self) -> Result<String, QmpError> {
        self.qmp.execute(qmp::query_status {}).map(|info| name_of(&info.status))
    }

    /// Sends every CPU a non-maskable interrupt.
    pub fn nmi(&mut self) -> Result<(), QmpError> {
        self.qmp.execute(qmp::inject_nmi {}).map(drop)
    }

    /// Asks QEMU for a look at every CPU's registers, as text for a person.
    pub fn registers(&mut self) -> Result<String, QmpError> {
        let command_line = "info registers -a".to_owned();
        self.qmp.execute(qmp::human_monitor_command { command_line, cpu_index: None })
    }

    /// Kills QEMU.
    pub fn kill(&mut self) {
        self.process.end();
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.process.end();
        if let Some(pump) = self.pump.take() {
            let _ = pump.join();
        }
    }
}

/// Why a device could not be plugged in.
#[derive(Debug, thiserror::Error)]
pub enum PlugError {
    /// It cannot be described.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// QEMU does not want it.
    #[error(transparent)]
    Qmp(#[from] QmpError),
}

/// Why QEMU with a guest in it could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The kernel file cannot be booted.
    #[error(transparent)]
    Image(#[from] BootImageError),
    /// The guest cannot be built as asked.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A module is not what it should be.
    #[error(transparent)]
    Initramfs(#[from] InitramfsError),
    /// The console's file could not be made.
    #[error("console file {path}: cannot be made")]
    ConsoleFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// QEMU could not be started.
    #[error("{qemu}: cannot be started")]
    Qemu {
        /// The program.
        qemu: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// QEMU's monitor does not answer.
    #[error(transparent)]
    Qmp(#[from] QmpError),
}

fn name_of(state: &qmp::RunState) -> String {
    qapi::Enum::name(state).to_owned()
}

fn open_console(spec: &Spec) -> Result<Option<File>, StartError> {
    let Some(path) = &spec.console_file else { return Ok(None) };
    File::create(path).map(Some).map_err(|source| StartError::ConsoleFile { path: path.clone(), source })
}
