//! From a device and an anchor to a path. Walks sysfs; opens nothing else.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use scrubjay_wire::{Anchor, Attached, Probe, Where};

static DEVICES: OnceLock<Vec<Attached>> = OnceLock::new();

/// Where each anchor was last seen, so that a path to something that went away is still that path.
static SEEN: Mutex<Option<HashMap<(u16, u8), PathBuf>>> = Mutex::new(None);

/// Takes the list of devices; said once.
pub fn attach(devices: Vec<Attached>) {
    let _ = DEVICES.set(devices);
}

fn list() -> &'static [Attached] {
    DEVICES.get().map_or(&[], Vec::as_slice)
}

/// The path of a file; `None` when its anchor never was there.
pub fn path(at: &Where) -> Option<PathBuf> {
    let base = anchor(at.device, at.anchor)?;
    Some(if at.path.is_empty() { base } else { base.join(&at.path) })
}

/// The name of a device's anchor, as last seen: its PCI address, `mem0`; empty when it never was there.
pub fn name(device: u16, at: Anchor) -> String {
    let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    anchor(device, at).and_then(name).unwrap_or_default()
}

/// Looks at every anchor of every device once, so that they are known when they go away.
pub fn remember() {
    for device in 0..list().len() as u16 {
        for at in [Anchor::Pci, Anchor::Memdev, Anchor::Fwctl, Anchor::Node, Anchor::MemdevNode, Anchor::Edac]
        {
            anchor(device, at);
        }
    }
}

/// The path of an anchor: where it is, else where it was.
fn anchor(device: u16, at: Anchor) -> Option<PathBuf> {
    let mut seen = SEEN.lock().unwrap_or_else(|e| e.into_inner());
    let seen = seen.get_or_insert_with(HashMap::new);
    match find(device, at) {
        Some(path) => {
            seen.insert((device, at as u8), path.clone());
            Some(path)
        }
        None => seen.get(&(device, at as u8)).cloned(),
    }
}

fn find(device: u16, at: Anchor) -> Option<PathBuf> {
    match at {
        Anchor::Root => Some(PathBuf::from("/")),
        Anchor::Pci => pci(device),
        Anchor::Memdev => numbered(&pci(device)?, "mem"),
        Anchor::Fwctl => numbered(&find(device, Anchor::Memdev)?.join("fwctl"), "fwctl"),
        Anchor::Node => Some(Path::new("/dev/fwctl").join(find(device, Anchor::Fwctl)?.file_name()?)),
        Anchor::MemdevNode => Some(Path::new("/dev/cxl").join(find(device, Anchor::Memdev)?.file_name()?)),
        Anchor::Edac => {
            let memdev = find(device, Anchor::Memdev)?;
            let path = format!("/sys/bus/edac/devices/cxl_{}", memdev.file_name()?.to_str()?);
            Path::new(&path).exists().then(|| path.into())
        }
    }
}

/// The function below the device's port.
fn pci(device: u16) -> Option<PathBuf> {
    let port = &list().get(device as usize)?.port;
    if port.is_empty() {
        return None;
    }
    let port = fs::canonicalize(Path::new("/sys/bus/pci/devices").join(port)).ok()?;
    let is_address = |name: &str| name.len() == 12 && name.as_bytes()[4] == b':' && name.ends_with(".0");
    child(&port, is_address)
}

/// The directory `<prefix>N` below `parent`.
fn numbered(parent: &Path, prefix: &str) -> Option<PathBuf> {
    child(parent, |name| {
        name.strip_prefix(prefix).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn child(parent: &Path, is_it: impl Fn(&str) -> bool) -> Option<PathBuf> {
    fs::read_dir(parent)
        .ok()?
        .flatten()
        .find(|entry| entry.file_name().to_str().is_some_and(&is_it))
        .map(|entry| entry.path())
}

/// Whether a device has come up (or gone) as far as `until` says.
pub fn reached(device: u16, until: Probe) -> bool {
    match until {
        Probe::Present => find(device, Anchor::Pci).is_some(),
        Probe::Memdev => find(device, Anchor::Memdev).is_some(),
        Probe::Endpoint => find(device, Anchor::Memdev).is_some_and(|memdev| memdev.join("driver").exists()),
        Probe::Node => find(device, Anchor::Node).is_some_and(|node| node.exists()),
        Probe::NodeGone => find(device, Anchor::Node).is_none_or(|node| !node.exists()),
        Probe::Gone => find(device, Anchor::Pci).is_none(),
    }
}

/// Whether each device has come up as far as it should.
pub fn all_reached() -> Vec<bool> {
    list().iter().enumerate().map(|(i, d)| reached(i as u16, d.until)).collect()
}

/// Whether each device has a fwctl node.
pub fn all_nodes() -> Vec<bool> {
    (0..list().len() as u16).map(|i| find(i, Anchor::Node).is_some_and(|node| node.exists())).collect()
}

/// Where the driver of CXL roots takes and leaves devices.
const DRIVER: &str = "/sys/bus/platform/drivers/cxl_acpi";

/// The CXL roots that have a driver, or those that have none.
pub fn roots(bound: bool) -> Vec<String> {
    let Ok(devices) = fs::read_dir("/sys/bus/platform/devices") else { return Vec::new() };
    let roots = devices.flatten().filter(|d| d.path().join("driver").exists() == bound);
    let names = roots.map(|d| d.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("ACPI0017:")).collect()
}

/// Whether this kernel could bind a CXL root now.
pub fn binds_roots() -> bool {
    Path::new(DRIVER).exists()
}

/// Binds CXL roots that have no driver although the driver is there: 6.19 leaves them so where CXL is built in.
/// The names of those that it bound.
pub fn bind_roots() -> Vec<String> {
    let bind = |name: &String| fs::write(Path::new(DRIVER).join("bind"), name).is_ok();
    roots(false).into_iter().filter(bind).collect()
}

/// Takes a CXL root from its driver.
pub fn unbind_root(name: &str) -> std::io::Result<()> {
    fs::write(Path::new(DRIVER).join("unbind"), name)
}

/// Waits until the memdevs have been probed that a root which was just bound brings with it: it leaves them to a
/// queue (drivers/cxl/core/port.c, cxl_bus_rescan), and so can be flushed.
pub fn await_memdevs() {
    let _ = fs::write("/sys/bus/cxl/flush", "1");
}

/// The PCI functions whose addresses begin so, as directories.
pub fn on_buses(buses: &[String]) -> Vec<PathBuf> {
    let is_on = |name: &str| buses.iter().any(|bus| name.starts_with(bus));
    let mut functions = functions();
    functions.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_on));
    functions
}

/// All PCI functions, as directories.
fn functions() -> Vec<PathBuf> {
    let Ok(functions) = fs::read_dir("/sys/bus/pci/devices") else { return Vec::new() };
    functions.flatten().map(|function| function.path()).collect()
}

/// The PCI functions that have no driver, as directories.
pub fn unbound_functions() -> Vec<PathBuf> {
    functions().into_iter().filter(|function| !function.join("driver").exists()).collect()
}

/// The PCI address of each device.
pub fn all_addresses() -> Vec<String> {
    (0..list().len() as u16).map(|i| name(i, Anchor::Pci)).collect()
}

/// A name without the numbers that probe order gives: `mem0`, `fwctl3`, `cxl_mem1` end in `N`.
pub fn symbolic(name: &str) -> String {
    for prefix in ["cxl_mem", "mem", "fwctl", "endpoint", "port", "root", "decoder", "pmem"] {
        if let Some(rest) = name.strip_prefix(prefix)
            && !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        {
            return format!("{prefix}N");
        }
    }
    name.to_owned()
}
