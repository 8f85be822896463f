//! What a guest is made of, in the caller's words. Says nothing of QEMU's.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::accelerator::Accel;
use crate::agent::AGENT;
use crate::host_time::HostTime;
use crate::limit::Limit;

/// The most devices that one guest takes: one a slot of a bus, but for the last, which is the machine's.
pub const MOST_DEVICES: usize = 31;

/// The most bytes that a Unix socket's path may have: `sun_path` has 108 with the final zero
/// (unix(7)).
pub const LONGEST_SOCKET_PATH: usize = 107;

/// The bus number of the CXL host bridge: the ports of CXL devices are at `0000:0c:NN.0`.
pub const CXL_BUS: u8 = 0x0c;

/// The bus number of the plain PCIe host bridge: the ports of plain devices are at `0000:80:NN.0`.
pub const PCIE_BUS: u8 = 0x80;

/// What a kernel is told before [`Spec::append`]. `earlycon` so that a kernel that dies before its serial
/// driver is up is heard; `panic=-1` so that a panic ends QEMU at once.
pub const PARAMETERS: &str = "console=ttyS0,115200 earlycon=uart8250,io,0x3f8,115200 panic=-1 rdinit=/init";

/// A guest.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The kernel, a bzImage.
    pub kernel: PathBuf,
    /// Modules in the order of loading: `.ko`, `.ko.xz`, `.ko.zst` or `.ko.gz`.
    pub modules: Vec<PathBuf>,
    /// More files of the guest: where each is there (absolute), and where its bytes are. All are executable.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// The kernel parameters that the machine itself needs: [`PARAMETERS`] unless a test needs others.
    pub parameters: Cow<'static, str>,
    /// More kernel parameters, after the machine's own, so that they win.
    pub append: String,
    /// Virtual CPUs: 1, 2 or 4.
    pub vcpus: u8,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// At most [`MOST_DEVICES`], in the order in which the agent counts them.
    pub devices: Vec<Device>,
    /// By which ways the agent may talk to the host.
    pub ways: Ways,
    /// Where the console goes as well as into memory; made anew.
    pub console_file: Option<PathBuf>,
    /// PID 1: a static x86-64 program, [`AGENT`] unless a test needs another.
    pub init: Cow<'static, [u8]>,
    /// Who executes the guest's instructions.
    pub accel: Accel,
    /// How often a second the kernel ticks (`CONFIG_HZ`), where that is known: it then has less to find out
    /// at boot.
    pub hz: Option<u32>,
    /// Who watches whether the host gives QEMU its time.
    pub host_time: Option<HostTime>,
    /// How much it may say.
    pub limit: Limit,
}

impl Spec {
    /// A guest with the agent, two vCPUs, 512 MiB, both ways to the host and no device.
    pub fn new(kernel: impl Into<PathBuf>, accel: Accel) -> Self {
        Spec {
            kernel: kernel.into(),
            modules: Vec::new(),
            files: Vec::new(),
            parameters: Cow::Borrowed(PARAMETERS),
            append: String::new(),
            vcpus: 2,
            memory_mib: 512,
            devices: Vec::new(),
            ways: Ways::Both,
            console_file: None,
            init: Cow::Borrowed(AGENT),
            accel,
            hz: None,
            host_time: None,
            limit: Limit::default(),
        }
    }

    /// The PCI address of the port above device `index`: what [`scrubjay_wire::Attached::port`] wants.
    pub fn port_address(&self, index: usize) -> Option<String> {
        let bus = match self.devices.get(index)?.port {
            Port::Cxl => CXL_BUS,
            Port::Pcie => PCIE_BUS,
        };
        Some(format!("0000:{bus:02x}:{index:02x}.0"))
    }
}

/// By which ways the agent may talk to the host. It prefers virtio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// A virtio-serial port and a second 16550.
    Both,
    /// The second 16550 alone.
    Serial,
}

/// A device and where it is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What the port above it is.
    pub port: Port,
    /// What it is.
    pub kind: Kind,
}

/// A port with one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// A CXL root port below a CXL host bridge: the device becomes an endpoint.
    Cxl,
    /// A PCIe root port that knows nothing of CXL.
    Pcie,
}

/// What can be plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A device served over vfio-user.
    VfioUser {
        /// The server's socket, of at most [`LONGEST_SOCKET_PATH`] bytes. The server listens already.
        socket: PathBuf,
    },
    /// QEMU's own CXL memory device, volatile, with no label area.
    StockType3 {
        /// Memory in MiB: a multiple of 256 (CXL r3.1 8.2.9.9.1.1, Identify Memory Device).
        size_mib: u32,
        /// The serial number.
        serial: u64,
    },
    /// An empty slot.
    Nothing,
}
