//! The firmware: what a mailbox command does and answers. Knows nothing of registers or sockets.
//!
//! [`features`] holds the Features commands and their values, [`layout`] how the known Features'
//! values are written, [`maintenance`] repair, [`general`] everything else that a memory device has
//! to answer.

mod features;
mod general;
mod layout;
mod maintenance;

use scrubjay_session::cxl::profile::{CelRow, Profile};
use scrubjay_uapi::cxl::{Opcode, ReturnCode};

pub use features::ValueError;
pub(crate) use features::{Features, ListView};

/// What a command answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub code: ReturnCode,
    pub output: Vec<u8>,
}

impl Answer {
    /// Success with this output.
    pub fn output(output: impl Into<Vec<u8>>) -> Self {
        Answer { code: ReturnCode::SUCCESS, output: output.into() }
    }

    /// Success without output.
    pub fn done() -> Self {
        Self::output([])
    }
}

impl From<ReturnCode> for Answer {
    fn from(code: ReturnCode) -> Self {
        Answer { code, output: Vec::new() }
    }
}

/// What a command comes to: an answer, or the code that refuses it.
type Outcome = Result<Answer, ReturnCode>;

/// The firmware of one device.
#[derive(Clone, Debug)]
pub(crate) struct Firmware {
    /// The longest payload, either way.
    payload: usize,
    cel: Vec<CelRow>,
    identity: general::Identity,
    /// Nanoseconds, as the host set it.
    timestamp: u64,
    pub features: Features,
}

impl Firmware {
    /// The firmware as the profile has it.
    pub fn new(profile: &Profile) -> Self {
        Firmware {
            payload: profile.mailbox_payload as usize,
            cel: profile.effects_log(),
            identity: general::Identity::new(profile),
            timestamp: 0,
            features: Features::new(profile),
        }
    }

    /// Performs a command.
    pub fn command(&mut self, opcode: u16, input: &[u8]) -> Answer {
        let Some(command) = Opcode::from_number(opcode).filter(|_| self.implements(opcode)) else {
            return ReturnCode::UNSUPPORTED.into();
        };
        let outcome = match command {
            Opcode::GetSupportedFeatures => self.features.list(input, self.payload),
            Opcode::GetFeature => self.features.get(input, self.payload),
            Opcode::SetFeature => self.features.set(input),
            Opcode::PerformMaintenance => maintenance::perform(&self.features, self.identity.capacity, input),
            Opcode::GetSupportedLogs => self.supported_logs(input),
            Opcode::GetLog => self.log(input),
            Opcode::Identify => self.identity.identify(input),
            Opcode::GetPartitionInfo => self.identity.partitions(input),
            Opcode::GetHealthInfo => general::health(input),
            Opcode::GetTimestamp => self.get_timestamp(input),
            Opcode::SetTimestamp => self.set_timestamp(input),
            Opcode::GetEventRecords => general::event_records(input),
            Opcode::ClearEventRecords => general::clear_event_records(input),
            Opcode::GetEventInterruptPolicy | Opcode::SetEventInterruptPolicy | Opcode::GetFirmwareInfo => {
                Err(ReturnCode::UNSUPPORTED)
            }
        };
        outcome.unwrap_or_else(Answer::from)
    }

    /// A conventional reset: what was saved, or waits for a reset, comes into force.
    pub fn reset(&mut self) {
        self.timestamp = 0;
        self.features.reset();
    }

    /// A function level reset: the host's side starts afresh, values stay.
    pub fn reset_function(&mut self) {
        self.features.abort();
    }

    fn implements(&self, opcode: u16) -> bool {
        self.cel.iter().any(|row| row.opcode.0 == opcode)
    }
}

#[cfg(test)]
mod tests;
