//! Builds QEMU's command line from a [`Spec`]. Pure: starts no process, opens no file.

use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::accelerator::Accel;
use crate::clock;
use crate::spec::{CXL_BUS, Device, Kind, LONGEST_SOCKET_PATH, MOST_DEVICES, PCIE_BUS, Port, Spec};

/// Why a guest cannot be built as asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The kernel would cut the path, and the server would not be found.
    #[error("socket {path}: the path has {len} bytes, and {LONGEST_SOCKET_PATH} is the limit")]
    SocketPathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        len: usize,
    },
    /// QEMU takes its options as UTF-8.
    #[error("{path}: the path is not UTF-8, and QEMU's options are")]
    PathNotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// More devices than slots.
    #[error("{count} devices, and a guest takes {MOST_DEVICES}")]
    TooManyDevices {
        /// How many were asked for.
        count: usize,
    },
    /// A number of vCPUs that is not tested.
    #[error("{vcpus} vCPUs, and 1, 2 or 4 can be had")]
    Vcpus {
        /// How many were asked for.
        vcpus: u8,
    },
    /// A stock device of a size that its Identify cannot express.
    #[error("device {index}: {size_mib} MiB is not a multiple of 256")]
    DeviceSize {
        /// Which device.
        index: usize,
        /// The size asked for.
        size_mib: u32,
    },
}

/// The descriptors that QEMU inherits: no socket or file of a guest has a name that could be left
/// behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wiring {
    /// First 16550: the writing end of a pipe.
    pub console: RawFd,
    /// Second 16550.
    pub serial: RawFd,
    /// The virtio-serial port, where the guest has one.
    pub virtio: Option<RawFd>,
    /// The monitor.
    pub qmp: RawFd,
    /// The initramfs.
    pub initramfs: RawFd,
    /// The kernel proper, where it was unpacked.
    pub kernel: Option<RawFd>,
    /// Whether this QEMU has monitors as objects.
    pub monitor_objects: bool,
    /// What a kernel under TCG need not calibrate: [`crate::clock::tsc_khz`].
    pub tsc_khz: Option<u32>,
    /// The guest's memory, where it is a file.
    pub memory: Option<Backing>,
}

/// A guest's memory as a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Backing {
    /// What the guest writes goes into it.
    Shared(RawFd),
    /// It is read only, and the guest waits for the rest of its state.
    Private(RawFd),
}

/// The name of the guest's memory, where it is a file.
const RAM: &str = "ram";

/// Parts of a PC that no kernel here needs and the firmware would look for.
const LEAVE_OUT: &str = "sata=off,smbus=off,i8042=off,vmport=off,usb=off";

/// The name of the virtio-serial port that the agent looks for.
const PORT_NAME: &str = "scrubjay";

/// All arguments of QEMU.
pub(crate) fn arguments(spec: &Spec, wiring: &Wiring) -> Result<Vec<OsString>, SpecError> {
    check(spec)?;
    let mut line = Line(Vec::with_capacity(64));
    line.flags(&["-no-user-config", "-nodefaults", "-no-reboot"]);
    line.option("-display", "none");
    line.option("-name", "scrubjay");
    machine(&mut line, spec, wiring.memory);
    channels(&mut line, wiring);
    buses(&mut line, spec, wiring.memory.is_some());
    if wiring.memory.is_some() {
        room(&mut line);
    }
    for (index, device) in spec.devices.iter().enumerate() {
        port(&mut line, index, device.port);
        if let Kind::StockType3 { size_mib, .. } = device.kind {
            line.option("-object", format!("memory-backend-ram,id={},size={size_mib}M", memory_id(index)));
        }
        if let Some(value) = device_object(index, &device.kind, &memory_id(index))? {
            line.option("-device", value.to_string());
        }
    }
    match wiring.kernel {
        Some(unpacked) => line.option("-kernel", inherited(unpacked)),
        None => line.option("-kernel", spec.kernel.as_os_str()),
    }
    line.option("-initrd", inherited(wiring.initramfs));
    let clock = clock::parameters(spec.accel, wiring.tsc_khz, spec.hz);
    line.option("-append", format!("{} {clock} {}", spec.parameters, spec.append).trim_end());
    Ok(line.0)
}

/// The path by which QEMU opens a descriptor that it inherits.
pub(crate) fn inherited(fd: RawFd) -> String {
    format!("/proc/self/fd/{fd}")
}

/// The device with index `index` as QEMU's `-device` and QMP's `device_add` take it; nothing for an
/// empty slot. `memory` is behind it where it needs some.
pub(crate) fn device_object(index: usize, kind: &Kind, memory: &str) -> Result<Option<Value>, SpecError> {
    let mut object = Map::new();
    match kind {
        Kind::Nothing => return Ok(None),
        Kind::VfioUser { socket } => {
            object.insert("driver".into(), "vfio-user-pci".into());
            object.insert("socket".into(), json!({ "type": "unix", "path": socket_path(socket)? }));
        }
        Kind::StockType3 { serial, .. } => {
            object.insert("driver".into(), "cxl-type3".into());
            object.insert("volatile-memdev".into(), memory.into());
            object.insert("sn".into(), (*serial).into());
        }
    }
    object.insert("bus".into(), port_id(index).into());
    object.insert("id".into(), device_id(index).into());
    Ok(Some(Value::Object(object)))
}

/// The name by which QEMU knows the device with this index.
pub(crate) fn device_id(index: usize) -> String {
    format!("device{index}")
}

/// The name of the memory behind the stock device with this index.
pub(crate) fn memory_id(index: usize) -> String {
    format!("memory{index}")
}

fn port_id(index: usize) -> String {
    format!("port{index}")
}

/// Refuses a path that does not fit a Unix socket's address.
pub(crate) fn socket_path(path: &Path) -> Result<&str, SpecError> {
    let len = path.as_os_str().as_bytes().len();
    if len > LONGEST_SOCKET_PATH {
        return Err(SpecError::SocketPathTooLong { path: path.to_owned(), len });
    }
    path.to_str().ok_or_else(|| SpecError::PathNotUtf8 { path: path.to_owned() })
}

fn check(spec: &Spec) -> Result<(), SpecError> {
    if ![1, 2, 4].contains(&spec.vcpus) {
        return Err(SpecError::Vcpus { vcpus: spec.vcpus });
    }
    if spec.devices.len() > MOST_DEVICES {
        return Err(SpecError::TooManyDevices { count: spec.devices.len() });
    }
    for (index, device) in spec.devices.iter().enumerate() {
        match device.kind {
            Kind::StockType3 { size_mib, .. } if size_mib == 0 || size_mib % 256 != 0 => {
                return Err(SpecError::DeviceSize { index, size_mib });
            }
            _ => {}
        }
    }
    Ok(())
}

fn machine(line: &mut Line, spec: &Spec, memory: Option<Backing>) {
    let mut machine = format!("q35,cxl=on,{LEAVE_OUT}");
    if memory.is_some() || has(&spec.devices, Port::Cxl) {
        machine.push_str(",cxl-fmw.0.targets.0=cxl,cxl-fmw.0.size=4G");
    }
    if let Some(backing) = memory {
        machine.push_str(&format!(",memory-backend={RAM}"));
        let (fd, how) = match backing {
            Backing::Shared(fd) => (fd, "share=on"),
            Backing::Private(fd) => (fd, "share=off,readonly=on,rom=off"),
        };
        let (size, path) = (spec.memory_mib, inherited(fd));
        line.option("-object", format!("memory-backend-file,id={RAM},size={size}M,mem-path={path},{how}"));
        if matches!(backing, Backing::Private(_)) {
            line.option("-incoming", "defer");
            line.flags(&["-S"]);
        }
    }
    line.option("-machine", machine);
    line.option(
        "-accel",
        match spec.accel {
            Accel::Kvm => "kvm",
            Accel::Tcg => "tcg",
        },
    );
    clock(line, spec.accel);
    line.option("-smp", spec.vcpus.to_string());
    line.option("-m", format!("{}M", spec.memory_mib));
}

/// The CPU and the timers that it ticks by: why so, [`clock`] says.
fn clock(line: &mut Line, accel: Accel) {
    match accel {
        Accel::Kvm => line.option("-cpu", "max"),
        Accel::Tcg => {
            line.option("-cpu", "max,-arat");
            line.option("-global", "hpet.msi=on");
            line.option("-global", format!("hpet.timers={}", clock::HPET_TIMERS));
        }
    }
}

fn channels(line: &mut Line, wiring: &Wiring) {
    line.option("-chardev", format!("file,id=console,path={}", inherited(wiring.console)));
    let mut socket = |id: &str, fd: RawFd| line.option("-chardev", format!("socket,id={id},fd={fd}"));
    socket("serial", wiring.serial);
    socket("qmp", wiring.qmp);
    if let Some(fd) = wiring.virtio {
        socket("virtio", fd);
    }
    // The first is ttyS0, the second ttyS1.
    line.option("-serial", "chardev:console");
    line.option("-serial", "chardev:serial");
    if wiring.monitor_objects {
        line.option("-object", "monitor-qmp,id=monitor,chardev=qmp");
    } else {
        line.option("-mon", "chardev=qmp,mode=control");
    }
    if wiring.virtio.is_some() {
        line.option("-device", "virtio-serial-pci,id=channel,bus=pcie.0,addr=2");
        line.option("-device", format!("virtserialport,bus=channel.0,chardev=virtio,name={PORT_NAME}"));
    }
}

/// The host bridges above the devices; both where the guest may get any device later.
fn buses(line: &mut Line, spec: &Spec, both: bool) {
    if both || has(&spec.devices, Port::Cxl) {
        line.option("-device", format!("pxb-cxl,id=cxl,bus=pcie.0,addr=3,bus_nr={CXL_BUS}"));
    }
    if both || has(&spec.devices, Port::Pcie) {
        line.option("-device", format!("pxb-pcie,id=pcie,bus=pcie.0,addr=4,bus_nr={PCIE_BUS}"));
    }
}

/// The slot of the port that keeps a bus's room.
pub(crate) const SPARE_SLOT: usize = MOST_DEVICES;

/// How much room a bus has for the regions of its devices, in MiB: 2 for each port, which is what Linux wants for one
/// that something may be plugged into (drivers/pci/setup-bus.c, `pci_hotplug_mmio_size`).
const ROOM: usize = 2 * (MOST_DEVICES + 1);

/// A port a bus, with nothing below, whose only use is room. The firmware gives a bus the memory that its devices want
/// when they start (QEMU's hw/i386/acpi-build.c, `build_crs`), and those that come later have to do with that. Every
/// guest that starts from a kept one has it, because QEMU saves the state of such a port.
fn room(line: &mut Line) {
    for (chassis, bus) in [(1, "cxl"), (2, "pcie")] {
        line.option(
            "-device",
            format!(
                "pcie-root-port,id=spare-{bus},bus={bus},addr={SPARE_SLOT:x},port={SPARE_SLOT},chassis={chassis},\
                 slot={},mem-reserve={ROOM}M,bus-reserve={SPARE_SLOT}",
                SPARE_SLOT + 1
            ),
        );
    }
}

/// One root port in the slot that bears the device's index, so that its address is known.
fn port(line: &mut Line, index: usize, port: Port) {
    let id = port_id(index);
    let slot = index + 1;
    line.option(
        "-device",
        match port {
            Port::Cxl => format!("cxl-rp,id={id},bus=cxl,addr={index:x},port={index},chassis=1,slot={slot}"),
            Port::Pcie => {
                format!("pcie-root-port,id={id},bus=pcie,addr={index:x},port={index},chassis=2,slot={slot}")
            }
        },
    );
}

fn has(devices: &[Device], port: Port) -> bool {
    devices.iter().any(|device| device.port == port)
}

struct Line(Vec<OsString>);

impl Line {
    fn flags(&mut self, flags: &[&str]) {
        self.0.extend(flags.iter().map(OsString::from));
    }

    fn option(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.0.push(name.into());
        self.0.push(value.as_ref().to_owned());
    }
}

#[cfg(test)]
mod tests;
