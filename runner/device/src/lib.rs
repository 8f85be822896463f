//! The emulated CXL memory device, served to QEMU over vfio-user.
//!
//! [`Device::serve`] takes a profile and a socket; everything else is how it is done:
//! `registers` are tables, `firmware` performs mailbox commands and knows nothing of registers,
//! `mailbox` joins the two, `faults` distorts, `message` is the protocol's bytes, `backend` answers them, `server`
//! owns the thread and the socket.
//! No DMA and no interrupts: the kernel polls a mailbox whose device offers none.

mod backend;
mod device;
mod faults;
mod firmware;
mod machine;
mod mailbox;
mod memory;
mod message;
mod registers;
mod server;

pub use device::{Device, DeviceError, SOCKET_PATH_LIMIT};
pub use firmware::ValueError;

/// The return code in the trace of a command that was never answered: its doorbell stays set.
pub const NO_ANSWER: u16 = 0xffff;

/// The register tables as Markdown, for the book.
pub fn register_tables(profile: &scrubjay_session::cxl::profile::Profile) -> String {
    use registers::{component, config, memdev, table};
    [
        table("Configuration space", &config::registers(profile)),
        table(
            "Component registers, page 0x1000 of BAR 0",
            &component::registers(&profile.component_capabilities),
        ),
        table(
            "Memory device registers, from 0x10000 of BAR 0",
            &[
                memdev::registers(profile.mailbox_payload),
                memdev::mailbox_registers(profile.claimed_payload()),
            ]
            .concat(),
        ),
    ]
    .join("\n")
}
