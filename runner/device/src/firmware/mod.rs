//! The firmware: what a mailbox command does and answers. Knows nothing of registers or sockets.
//!
//! [`features`] holds the Features commands and their values, [`layout`] how the known Features'
//! values are written, [`maintenance`] repair, [`general`] everything else that a memory device has
//! to answer.

mod features;
mod general;
mod layout;
mod maintenance;

use scrubjay_session::cxl::profile::{Cel, CelRow, Profile};
use scrubjay_uapi::cxl::{Effects, FeatureFlags, Opcode, ReturnCode};

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
            cel: cel(profile),
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

/// The command effects log: what the profile says, or what the firmware implements.
fn cel(profile: &Profile) -> Vec<CelRow> {
    let implemented = || {
        let row = |opcode: Opcode, effects| CelRow { opcode: opcode.into(), effects };
        let mut rows = vec![
            row(Opcode::GetEventRecords, Effects::default()),
            row(Opcode::ClearEventRecords, Effects::IMMEDIATE_LOG),
            row(Opcode::GetTimestamp, Effects::default()),
            row(Opcode::SetTimestamp, Effects::IMMEDIATE_POLICY),
            row(Opcode::GetSupportedLogs, Effects::default()),
            row(Opcode::GetLog, Effects::default()),
        ];
        if !profile.features.is_empty() {
            // A Set Feature can do what any of the Features does (CXL r3.2, 8.2.10.6).
            let changeable = profile.features.iter().filter(|f| f.flags.contains(FeatureFlags::CHANGEABLE));
            let effects = changeable.fold(0, |bits, feature| bits | feature.effects.0);
            rows.extend([
                row(Opcode::GetSupportedFeatures, Effects::default()),
                row(Opcode::GetFeature, Effects::default()),
                row(Opcode::SetFeature, Effects(effects)),
            ]);
        }
        if profile.features.iter().filter_map(|f| f.known()).any(maintenance::is_repair) {
            rows.push(row(Opcode::PerformMaintenance, Effects::IMMEDIATE_DATA));
        }
        rows.extend([
            row(Opcode::Identify, Effects::default()),
            row(Opcode::GetPartitionInfo, Effects::default()),
            row(Opcode::GetHealthInfo, Effects::default()),
        ]);
        rows
    };
    match &profile.cel {
        None => implemented(),
        Some(Cel::Without(left_out)) => {
            implemented().into_iter().filter(|row| !left_out.contains(&row.opcode)).collect()
        }
        Some(Cel::Rows(rows)) => rows.clone(),
    }
}

#[cfg(test)]
mod tests;
