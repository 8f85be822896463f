//! The device as vfio-user sees it: regions, accesses, resets.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_INFO_EVENTFD, VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_ERR_IRQ_INDEX,
    VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS, VFIO_REGION_INFO_FLAG_MMAP, VFIO_REGION_INFO_FLAG_READ,
    VFIO_REGION_INFO_FLAG_WRITE, vfio_region_info, vfio_region_sparse_mmap_area,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, ServerBackend, ServerRegion, SparseArea};

use crate::machine::{Machine, Shared};
use crate::registers::{bar, config};

/// The longest access that QEMU makes: a whole configuration space.
const LONGEST_ACCESS: usize = config::LEN;

/// The regions that vfio-user offers: BAR 0 and configuration space.
pub(crate) fn regions(machine: &Machine) -> Vec<ServerRegion> {
    let region = |index| {
        let mut region = ServerRegion {
            region_info: vfio_region_info {
                argsz: size_of::<vfio_region_info>() as u32,
                index,
                ..Default::default()
            },
            sparse_areas: Vec::new(),
            mmap_fd: None,
        };
        let access = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
        match index {
            VFIO_PCI_BAR0_REGION_INDEX => {
                region.region_info.size = machine.bar_len();
                region.region_info.flags = access | VFIO_REGION_INFO_FLAG_MMAP;
                let areas = bar::mapped(machine.payload()).into_iter();
                region.sparse_areas = areas
                    .map(|(offset, size)| SparseArea { area: vfio_region_sparse_mmap_area { offset, size } })
                    .collect();
                region.mmap_fd = Some(machine.memory.fd());
            }
            VFIO_PCI_CONFIG_REGION_INDEX => {
                region.region_info.size = config::LEN as u64;
                region.region_info.flags = access;
            }
            _ => {}
        }
        region
    };
    (0..VFIO_PCI_NUM_REGIONS).map(region).collect()
}

/// No interrupts that the guest sees: the kernel polls. Without the one by which a device reports
/// errors to QEMU, QEMU prints a warning; it is never raised.
pub(crate) fn irqs() -> Vec<IrqInfo> {
    let irq = |index| match index {
        VFIO_PCI_ERR_IRQ_INDEX => IrqInfo { index, flags: VFIO_IRQ_INFO_EVENTFD, count: 1 },
        _ => IrqInfo { index, flags: 0, count: 0 },
    };
    (0..VFIO_PCI_NUM_IRQS).map(irq).collect()
}

/// What answers vfio-user messages.
pub(crate) struct Backend(pub Arc<Shared>);

impl Backend {
    /// Counts a message.
    fn machine(&self) -> std::sync::MutexGuard<'_, Machine> {
        self.0.messages.fetch_add(1, Ordering::Relaxed);
        self.0.machine()
    }
}

fn refuse(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

impl ServerBackend for Backend {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        if data.len() > LONGEST_ACCESS {
            return Err(refuse("an access longer than configuration space"));
        }
        match region {
            VFIO_PCI_BAR0_REGION_INDEX => self.machine().read_bar(offset, data)?,
            VFIO_PCI_CONFIG_REGION_INDEX => {
                self.machine().config.read(usize::try_from(offset).unwrap_or(usize::MAX), data);
            }
            _ => return Err(refuse("a region that is not there")),
        }
        tracing::trace!(region, offset = format_args!("{offset:#x}"), ?data, "read");
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        tracing::trace!(region, offset = format_args!("{offset:#x}"), ?data, "write");
        match region {
            VFIO_PCI_BAR0_REGION_INDEX => {
                let mut machine = self.machine();
                machine.write_bar(offset, data)?;
                if machine.mailbox.is_held() {
                    self.0.held.notify_all();
                }
                Ok(())
            }
            VFIO_PCI_CONFIG_REGION_INDEX => {
                self.machine().write_config(usize::try_from(offset).unwrap_or(usize::MAX), data);
                Ok(())
            }
            _ => Err(refuse("a region that is not there")),
        }
    }

    /// The device never touches the guest's memory.
    fn dma_map(&mut self, _: DmaMapFlags, _: u64, _: u64, _: u64, _: Option<File>) -> io::Result<()> {
        Ok(())
    }

    fn dma_unmap(&mut self, _: DmaUnmapFlags, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        self.machine().reset()
    }

    fn set_irqs(&mut self, _: u32, _: u32, _: u32, _: u32, _: Vec<File>) -> io::Result<()> {
        Ok(())
    }
}
