//! Lets go of every CXL root and of the buses that the host names, and looks for both again: in between, the machine
//! may be another, with other devices.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::devices;

/// How long the kernel may take to bind a CXL root before it is taken for one that it does not bind.
pub const ROOT: Duration = Duration::from_secs(1);

/// What a guest that was parked has to find again.
#[derive(Default)]
pub struct Parked {
    /// CXL roots that the kernel had not bound by itself.
    unbound: Vec<String>,
    /// What was let go of.
    buses: Vec<String>,
    /// What is not to be found.
    spare: Vec<String>,
}

/// Lets go of all roots and of all that is on `buses`; why not, where that cannot be.
pub fn park(buses: &[String], spare: Vec<String>) -> Result<Parked, String> {
    if !Path::new("/sys/bus/pci/rescan").exists() {
        return Err("this kernel cannot rescan the PCI bus".to_owned());
    }
    let start = Instant::now();
    while devices::binds_roots() && !devices::roots(false).is_empty() && start.elapsed() < ROOT {
        sleep(Duration::from_millis(2));
    }
    let unbound = devices::roots(false);
    for root in devices::roots(true) {
        devices::unbind_root(&root).map_err(|e| format!("{root} cannot be unbound: {e}"))?;
    }
    let there = || devices::on_buses(buses);
    for port in devices::on_buses(&spare) {
        forget_numbers(&port).map_err(|e| format!("{} keeps its bus numbers: {e}", port.display()))?;
    }
    there().iter().for_each(|device| remove(device));
    match there().first() {
        Some(device) => Err(format!("{} cannot be removed", device.display())),
        None => Ok(Parked { unbound, buses: buses.to_vec(), spare }),
    }
}

/// Takes a port's bus numbers from it (`PCI_PRIMARY_BUS` and the two behind it, include/uapi/linux/pci_regs.h): the
/// kernel would take them for given when it finds it again, and have too few for the others.
fn forget_numbers(port: &Path) -> io::Result<()> {
    File::options().write(true).open(port.join("config"))?.write_all_at(&[0; 3], 0x18)
}

/// Makes the kernel forget a function and all that is behind it; one that was behind another is gone with it.
fn remove(device: &Path) {
    let _ = fs::write(device.join("remove"), "1");
}

impl Parked {
    /// Looks for devices and binds the roots; those that the kernel had not bound by itself. The devices get their
    /// drivers when the roots have theirs, as at boot: since 7.0 a memdev is attached before its probe returns where
    /// there is a root (drivers/cxl/pci.c, `cxl_pci_probe`). That a device of PCI waits for its driver is so since 6.19
    /// (ea34511aaf75); before, memdevs are attached by themselves, some time after their probe.
    pub fn unpark(self) -> Vec<String> {
        let autoprobe = |on: &str| fs::write("/sys/bus/pci/drivers_autoprobe", on);
        let _ = autoprobe("0");
        let _ = fs::write("/sys/bus/pci/rescan", "1");
        devices::on_buses(&self.spare).iter().for_each(|device| remove(device));
        devices::on_buses(&self.buses).iter().for_each(|port| probe(port));
        let bound = devices::bind_roots();
        let _ = autoprobe("1");
        devices::unbound_functions().iter().for_each(|device| probe(device));
        devices::await_memdevs();
        bound.into_iter().filter(|root| self.unbound.contains(root)).collect()
    }
}

/// Gives a function a driver, where there is one for it.
fn probe(device: &Path) {
    let name = device.file_name().unwrap_or_default();
    let _ = fs::write("/sys/bus/pci/drivers_probe", name.as_encoded_bytes());
}
