//! The primary mailbox (CXL r3.2, 8.2.8.4): the doorbell, and what rings behind it.
//!
//! Owns the order of things: a doorbell rung, the fault that meets the command, the firmware's
//! answer, the registers that show it, the trace. A command is performed when its doorbell clears.

use std::io;
use std::time::{Duration, Instant};

use scrubjay_session::MailboxCommand;
use scrubjay_session::cxl::profile::{Answered, Background, Fault, Play, Profile};
use scrubjay_uapi::cxl::ReturnCode;
use scrubjay_wire::Bytes;

use crate::NO_ANSWER;
use crate::faults::{self, Faults, Sent};
use crate::firmware::Firmware;
use crate::memory::Memory;
use crate::registers::bar;

/// Control: the doorbell.
const DOORBELL: u32 = 1 << 0;
/// Command: bits 36:16 are a length.
const LENGTH_SHIFT: u32 = 16;
const LENGTH_MASK: u64 = 0x1f_ffff;

/// When a rung doorbell clears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clears {
    Released,
    At(Instant),
    Never,
}

/// A command whose doorbell is still set.
#[derive(Clone, Debug)]
struct Ringing {
    opcode: u16,
    input: Vec<u8>,
    play: Option<Play>,
    clears: Clears,
    rung: Instant,
}

/// The mailbox of a device, its firmware and its faults.
#[derive(Debug)]
pub(crate) struct Mailbox {
    payload: usize,
    pub firmware: Firmware,
    faults: Faults,
    /// The opcode whose next command is held.
    hold: Option<u16>,
    ringing: Option<Ringing>,
    trace: Vec<MailboxCommand>,
    /// Whether any command came since the connection began.
    pub used: bool,
}

impl Mailbox {
    pub fn new(profile: &Profile) -> Self {
        Mailbox {
            payload: profile.mailbox_payload as usize,
            firmware: Firmware::new(profile),
            faults: Faults::new(profile),
            hold: None,
            ringing: None,
            trace: Vec::new(),
            used: false,
        }
    }

    /// Everything as the profile has it; the trace is empty.
    pub fn restart(&mut self, profile: &Profile) {
        *self = Mailbox { used: self.used, ..Mailbox::new(profile) };
    }

    /// The doorbell clears and nothing is answered, as a reset leaves it.
    pub fn silence(&mut self) {
        self.ringing = None;
    }

    /// Adds a fault before all others.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// The next command with this opcode keeps its doorbell until [`Mailbox::release`].
    pub fn hold(&mut self, opcode: u16) {
        self.hold = Some(opcode);
    }

    /// Whether a command is being held.
    pub fn is_held(&self) -> bool {
        self.ringing.as_ref().is_some_and(|r| r.clears == Clears::Released)
    }

    /// Holds nothing any more; a command that is held is performed. How long it was held.
    pub fn release(&mut self, memory: &Memory) -> io::Result<Duration> {
        self.hold = None;
        match self.ringing.take_if(|r| r.clears == Clears::Released) {
            Some(ringing) => {
                let held = ringing.rung.elapsed();
                self.perform(ringing, memory).map(|()| held)
            }
            None => Ok(Duration::ZERO),
        }
    }

    /// The commands completed since the last call. One that was never answered is among them, with
    /// [`NO_ANSWER`].
    pub fn take_trace(&mut self) -> Vec<MailboxCommand> {
        std::mem::take(&mut self.trace)
    }

    /// Reads the control register.
    pub fn control(&mut self, memory: &Memory) -> io::Result<u32> {
        self.settle(memory)?;
        Ok(if self.ringing.is_some() { DOORBELL } else { 0 })
    }

    /// Performs a delayed command whose time has come.
    pub fn settle(&mut self, memory: &Memory) -> io::Result<()> {
        let due = |r: &mut Ringing| matches!(r.clears, Clears::At(when) if when <= Instant::now());
        match self.ringing.take_if(due) {
            Some(ringing) => self.perform(ringing, memory),
            None => Ok(()),
        }
    }

    /// Writes the control register: rings the doorbell.
    pub fn write_control(&mut self, value: u32, memory: &Memory) -> io::Result<()> {
        if value & DOORBELL == 0 || self.ringing.is_some() {
            return Ok(());
        }
        self.used = true;
        let command = memory.read_u64(bar::COMMAND)?;
        let opcode = command as u16;
        let len = (command >> LENGTH_SHIFT & LENGTH_MASK) as usize;
        if len > self.payload {
            return self.answer(opcode, Vec::new(), None, memory, ReturnCode::INVALID_PAYLOAD_LENGTH);
        }
        let mut input = vec![0; len];
        memory.read(bar::PAYLOAD, &mut input)?;
        let feature =
            matches!(opcode, 0x0501 | 0x0502).then(|| self.firmware.features.name_in(&input)).flatten();
        let play = self.faults.meet(opcode, feature);
        let clears = match &play {
            Some(Play::DoorbellStuck) => {
                self.record(opcode, input.clone(), NO_ANSWER, Vec::new());
                Some(Clears::Never)
            }
            Some(Play::DelayMs(ms)) => {
                Some(Clears::At(Instant::now() + Duration::from_millis(u64::from(*ms))))
            }
            _ => self.hold.take_if(|held| *held == opcode).map(|_| Clears::Released),
        };
        let rung = Instant::now();
        match clears {
            Some(clears) => self.ringing = Some(Ringing { opcode, input, play, clears, rung }),
            None => {
                self.perform(Ringing { opcode, input, play, clears: Clears::Never, rung }, memory)?;
            }
        }
        Ok(())
    }

    fn perform(&mut self, command: Ringing, memory: &Memory) -> io::Result<()> {
        let Ringing { opcode, input, play, .. } = command;
        match play {
            Some(Play::ReturnCode(code)) => self.answer(opcode, input, None, memory, code),
            Some(Play::ReturnCodeFromOffset) if offset(opcode, &input) != 0 => {
                let code = ReturnCode(offset(opcode, &input));
                self.answer(opcode, input, None, memory, code)
            }
            Some(Play::Answer(Answered { return_code, bytes: Bytes(output) })) => {
                self.send(opcode, input, Sent::whole(return_code, output), memory)
            }
            Some(Play::Background(background)) => {
                self.answer(opcode, input, Some(background), memory, ReturnCode::BACKGROUND)
            }
            play => {
                self.firmware.features.view = faults::view(play.as_ref());
                let answer = self.firmware.command(opcode, &input);
                let sent = faults::distort(play.as_ref(), opcode, answer, self.payload);
                self.send(opcode, input, sent, memory)
            }
        }
    }

    fn send(&mut self, opcode: u16, input: Vec<u8>, sent: Sent, memory: &Memory) -> io::Result<()> {
        memory.write(bar::PAYLOAD, &sent.output)?;
        show(memory, opcode, sent.claimed, sent.code, None)?;
        self.record(opcode, input, sent.code.0, sent.output);
        Ok(())
    }

    /// Answers with a code and no output.
    fn answer(
        &mut self,
        opcode: u16,
        input: Vec<u8>,
        background: Option<Background>,
        memory: &Memory,
        code: ReturnCode,
    ) -> io::Result<()> {
        show(memory, opcode, 0, code, background)?;
        self.record(opcode, input, code.0, Vec::new());
        Ok(())
    }

    fn record(&mut self, opcode: u16, input: Vec<u8>, return_code: u16, output: Vec<u8>) {
        self.trace.push(MailboxCommand {
            device: 0,
            opcode,
            input: Bytes(input),
            return_code,
            output: Bytes(output),
        });
    }
}

/// The offset field of a Get or Set Feature, behind the UUID and, of a Set, its flags (CXL r3.2, 8.2.10.6.2 and
/// 8.2.10.6.3); 0 where there is none.
fn offset(opcode: u16, input: &[u8]) -> u16 {
    let at = if opcode == 0x0502 { 20 } else { 16 };
    input.get(at..at + 2).and_then(|field| field.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// Lets the registers show an answer.
fn show(
    memory: &Memory,
    opcode: u16,
    output: u32,
    code: ReturnCode,
    background: Option<Background>,
) -> io::Result<()> {
    let running = background.is_some_and(|b| b.percent < 100);
    memory.write_u64(bar::STATUS, u64::from(running) | u64::from(code.0) << 32)?;
    if let Some(Background { percent, return_code }) = background {
        let status = u64::from(opcode) | u64::from(percent) << 16 | u64::from(return_code.0) << 32;
        memory.write_u64(bar::BACKGROUND, status)?;
    }
    memory.write_u64(bar::COMMAND, u64::from(opcode) | (u64::from(output) & LENGTH_MASK) << LENGTH_SHIFT)
}
