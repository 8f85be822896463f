//! The device's insides, put together: configuration space, BAR, mailbox; and what threads share.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use scrubjay_session::cxl::profile::Profile;

use crate::mailbox::Mailbox;
use crate::memory::Memory;
use crate::registers::component::Component;
use crate::registers::config::Config;
use crate::registers::{Block, bar, memdev};

/// The device without its server.
#[derive(Debug)]
pub(crate) struct Machine {
    profile: Profile,
    pub memory: Memory,
    pub config: Config,
    component: Component,
    /// The first page of the memory device block, as the memory is to show it.
    memdev: Block,
    pub mailbox: Mailbox,
}

/// The part of the BAR that an access is for.
enum Place {
    Hdm(usize),
    MailboxRegisters(usize),
    Memory,
    Nothing,
}

impl Machine {
    pub fn new(profile: &Profile) -> io::Result<Self> {
        let payload = profile.mailbox_payload;
        let mut machine = Machine {
            memory: Memory::new(bar::len(payload))?,
            config: Config::new(profile),
            component: Component::new(&profile.component_capabilities),
            memdev: Block::new(bar::PAGE as usize, &memdev::registers(payload)),
            mailbox: Mailbox::new(profile),
            profile: profile.clone(),
        };
        machine.reset_registers()?;
        Ok(machine)
    }

    pub fn payload(&self) -> u32 {
        self.profile.mailbox_payload
    }

    pub fn bar_len(&self) -> u64 {
        bar::len(self.payload())
    }

    /// The firmware as the profile has it, without any register that the kernel would notice.
    pub fn restart_firmware(&mut self) {
        self.mailbox.restart(&self.profile);
    }

    /// A conventional reset, or power. Until the first command the values stay the profile's:
    /// QEMU resets every device before the guest starts.
    pub fn reset(&mut self) -> io::Result<()> {
        self.config.reset();
        self.component.reset();
        self.mailbox.silence();
        if self.mailbox.used {
            self.mailbox.firmware.reset();
        }
        self.reset_registers()
    }

    /// The client has gone: the next finds a device that has just been powered on.
    pub fn power_cycle(&mut self) -> io::Result<()> {
        self.reset()?;
        self.mailbox.used = false;
        Ok(())
    }

    fn reset_registers(&mut self) -> io::Result<()> {
        self.memory.write(bar::MEMDEV, self.memdev.bytes())?;
        for register in [bar::COMMAND, bar::STATUS, bar::BACKGROUND] {
            self.memory.write_u64(register, 0)?;
        }
        Ok(())
    }

    pub fn write_config(&mut self, at: usize, data: &[u8]) {
        if self.config.write(at, data) {
            // A function level reset leaves values and decoders alone (CXL r3.2, 9.8).
            self.config.reset();
            self.mailbox.silence();
            self.mailbox.firmware.reset_function();
        }
    }

    fn place(&self, at: u64, len: usize) -> Place {
        let page = at & !(bar::PAGE - 1);
        let end = at.checked_add(len as u64);
        match page {
            bar::HDM_PAGE => Place::Hdm((at - page) as usize),
            bar::DOORBELL_PAGE => Place::MailboxRegisters((at - page) as usize),
            _ if end.is_some_and(|end| end <= self.bar_len()) => Place::Memory,
            _ => Place::Nothing,
        }
    }

    pub fn read_bar(&mut self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match self.place(at, into.len()) {
            Place::Hdm(at) => self.component.read(at, into),
            Place::MailboxRegisters(at) => {
                let capability = (bar::MAILBOX - bar::DOORBELL_PAGE) as usize;
                let control = self.mailbox.control(&self.memory)?;
                let registers =
                    [self.profile.claimed_payload().trailing_zeros().to_le_bytes(), control.to_le_bytes()]
                        .concat();
                for (index, byte) in into.iter_mut().enumerate() {
                    let register =
                        (at + index).checked_sub(capability).and_then(|index| registers.get(index));
                    *byte = register.copied().unwrap_or(0);
                }
            }
            Place::Memory => self.memory.read(at, into)?,
            Place::Nothing => into.fill(0xff),
        }
        Ok(())
    }

    pub fn write_bar(&mut self, at: u64, data: &[u8]) -> io::Result<()> {
        match self.place(at, data.len()) {
            Place::Hdm(at) => self.component.write(at, data),
            Place::MailboxRegisters(_) => {
                // Only the control register's lowest byte does anything.
                if let Some(index) = bar::CONTROL.checked_sub(at)
                    && let Some(&byte) = data.get(index as usize)
                {
                    self.mailbox.write_control(u32::from(byte), &self.memory)?;
                }
            }
            Place::Memory => self.memory.write(at, data)?,
            Place::Nothing => {}
        }
        Ok(())
    }
}

/// What the server's thread and the host's threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    machine: Mutex<Machine>,
    /// Signalled when a command is held.
    pub held: Condvar,
    /// Accesses, resets and the like that were served.
    pub messages: AtomicU64,
}

impl Shared {
    pub fn new(machine: Machine) -> Self {
        Shared { machine: Mutex::new(machine), held: Condvar::new(), messages: AtomicU64::new(0) }
    }

    /// The insides. A thread that panicked has left them whole enough: no step of theirs is undone.
    pub fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
