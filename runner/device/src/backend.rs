//! The device as vfio-user sees it: what each command gives. Reads no socket.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

use vfio_bindings::bindings::vfio::{
    VFIO_DEVICE_FLAGS_PCI, VFIO_DEVICE_FLAGS_RESET, VFIO_IRQ_INFO_EVENTFD, VFIO_PCI_BAR0_REGION_INDEX,
    VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS,
    VFIO_REGION_INFO_CAP_SPARSE_MMAP, VFIO_REGION_INFO_FLAG_CAPS, VFIO_REGION_INFO_FLAG_MMAP,
    VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE,
};
use zerocopy::IntoBytes;

use crate::machine::{Machine, Shared};
use crate::message::{
    Access, Answer, Command, DeviceInfo, DmaUnmap, IrqInfo, LONGEST_TRANSFER, Message, Refusal, RegionInfo,
    SetIrqs, SparseAreas, Version,
};
use crate::registers::{bar, config};

/// The longest access that QEMU makes: a whole configuration space.
const LONGEST_ACCESS: usize = config::LEN;

const _: () = assert!(LONGEST_ACCESS <= LONGEST_TRANSFER, "a client may ask for what is then refused");

/// The version of the protocol: 0.0 with these capabilities.
const VERSION: Version = Version { major: 0, minor: 0 };

/// What answers vfio-user messages.
pub(crate) struct Backend(pub Arc<Shared>);

impl Backend {
    /// Counts a message.
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.0.messages.fetch_add(1, Ordering::Relaxed);
        self.0.machine()
    }

    /// Does what a message asks for.
    ///
    /// # Errors
    /// What the client is told: not a message of this device.
    pub fn perform(&self, message: &Message) -> Result<Answer, Refusal> {
        let body = |body: Vec<u8>| Answer { body, descriptor: None };
        match message.command().ok_or(Refusal::UNSUPPORTED)? {
            Command::Version => {
                message.fixed::<Version>()?;
                Ok(body(version()))
            }
            // The device never touches the guest's memory.
            Command::DmaMap => Ok(Answer::default()),
            Command::DmaUnmap => Ok(body(message.fixed::<DmaUnmap>()?.0.as_bytes().to_vec())),
            Command::DeviceInfo => {
                message.fixed::<DeviceInfo>()?;
                let info = DeviceInfo {
                    argsz: size_of::<DeviceInfo>() as u32,
                    flags: VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
                    regions: VFIO_PCI_NUM_REGIONS,
                    irqs: VFIO_PCI_NUM_IRQS,
                };
                Ok(body(info.as_bytes().to_vec()))
            }
            Command::RegionInfo => self.region_info(message.fixed::<RegionInfo>()?.0),
            Command::IrqInfo => irq_info(message.fixed::<IrqInfo>()?.0),
            Command::SetIrqs => {
                let (set, _) = message.fixed::<SetIrqs>()?;
                if set.index < VFIO_PCI_NUM_IRQS { Ok(Answer::default()) } else { Err(Refusal::INVALID) }
            }
            Command::RegionRead => {
                let (access, _) = message.fixed::<Access>()?;
                let mut data = vec![0; length(access)?];
                self.read(access, &mut data)?;
                Ok(body([access.as_bytes(), &data].concat()))
            }
            Command::RegionWrite => {
                let (access, data) = message.fixed::<Access>()?;
                let data = data.get(..length(access)?).ok_or(Refusal::INVALID)?;
                self.write(access, data)?;
                Ok(body(access.as_bytes().to_vec()))
            }
            Command::Reset => {
                self.machine().reset().map_err(failed)?;
                Ok(Answer::default())
            }
        }
    }

    /// BAR 0, of which some pages may be mapped, and configuration space; every other region is empty.
    fn region_info(&self, asked: RegionInfo) -> Result<Answer, Refusal> {
        if asked.index >= VFIO_PCI_NUM_REGIONS {
            return Err(Refusal::INVALID);
        }
        let mut info = RegionInfo {
            argsz: size_of::<RegionInfo>() as u32,
            flags: 0,
            index: asked.index,
            cap_offset: 0,
            size: 0,
            offset: 0,
        };
        let access = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
        let mut areas = Vec::new();
        let mut descriptor = None;
        match asked.index {
            VFIO_PCI_BAR0_REGION_INDEX => {
                let machine = self.0.machine();
                info.size = machine.bar_len();
                info.flags = access | VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
                info.cap_offset = size_of::<RegionInfo>() as u32;
                areas = sparse_areas(&bar::mapped(machine.payload()));
                info.argsz += areas.len() as u32;
                if asked.argsz < info.argsz {
                    // There is no room for them: the client asks again with what it is told here.
                    areas.clear();
                } else {
                    descriptor = Some(machine.memory.fd());
                }
            }
            VFIO_PCI_CONFIG_REGION_INDEX => {
                info.size = config::LEN as u64;
                info.flags = access;
            }
            _ => {}
        }
        Ok(Answer { body: [info.as_bytes(), &areas].concat(), descriptor })
    }

    fn read(&self, Access { region, offset, .. }: Access, data: &mut [u8]) -> Result<(), Refusal> {
        match region {
            VFIO_PCI_BAR0_REGION_INDEX => self.machine().read_bar(offset, data).map_err(failed)?,
            VFIO_PCI_CONFIG_REGION_INDEX => {
                self.machine().config.read(usize::try_from(offset).unwrap_or(usize::MAX), data);
            }
            _ => return Err(Refusal::INVALID),
        }
        tracing::trace!(region, offset = format_args!("{offset:#x}"), ?data, "read");
        Ok(())
    }

    fn write(&self, Access { region, offset, .. }: Access, data: &[u8]) -> Result<(), Refusal> {
        tracing::trace!(region, offset = format_args!("{offset:#x}"), ?data, "write");
        match region {
            VFIO_PCI_BAR0_REGION_INDEX => {
                let mut machine = self.machine();
                machine.write_bar(offset, data).map_err(failed)?;
                if machine.mailbox.is_held() {
                    self.0.held.notify_all();
                }
            }
            VFIO_PCI_CONFIG_REGION_INDEX => {
                self.machine().write_config(usize::try_from(offset).unwrap_or(usize::MAX), data);
            }
            _ => return Err(Refusal::INVALID),
        }
        Ok(())
    }
}

/// How many bytes an access moves.
fn length(access: Access) -> Result<usize, Refusal> {
    usize::try_from(access.count).ok().filter(|len| *len <= LONGEST_ACCESS).ok_or(Refusal::INVALID)
}

fn failed(error: io::Error) -> Refusal {
    tracing::error!(%error, "the device's memory failed");
    Refusal::FAILED
}

/// The version with what this server can take ("Version").
fn version() -> Vec<u8> {
    let capabilities = format!(
        r#"{{"capabilities":{{"max_msg_fds":1,"max_data_xfer_size":{LONGEST_TRANSFER},"migration":{{"pgsize":{}}}}}}}"#,
        bar::PAGE
    );
    [VERSION.as_bytes(), capabilities.as_bytes(), &[0]].concat()
}

/// The capability that lists which parts of a region may be mapped.
fn sparse_areas(areas: &[(u64, u64)]) -> Vec<u8> {
    let list = SparseAreas {
        id: VFIO_REGION_INFO_CAP_SPARSE_MMAP as u16,
        version: 1,
        next: 0,
        count: areas.len() as u32,
        reserved: 0,
    };
    let mut bytes = list.as_bytes().to_vec();
    for (offset, size) in areas {
        bytes.extend([offset.to_ne_bytes(), size.to_ne_bytes()].concat());
    }
    bytes
}

/// No interrupts that the guest sees: the kernel polls. Without the one by which a device reports
/// errors to QEMU, QEMU prints a warning; it is never raised.
fn irq_info(asked: IrqInfo) -> Result<Answer, Refusal> {
    let (flags, count) = match asked.index {
        VFIO_PCI_ERR_IRQ_INDEX => (VFIO_IRQ_INFO_EVENTFD, 1),
        index if index < VFIO_PCI_NUM_IRQS => (0, 0),
        _ => return Err(Refusal::INVALID),
    };
    let info = IrqInfo { argsz: size_of::<IrqInfo>() as u32, flags, index: asked.index, count };
    Ok(Answer { body: info.as_bytes().to_vec(), descriptor: None })
}
