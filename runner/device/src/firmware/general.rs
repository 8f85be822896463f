//! What any memory device answers: logs, identity, partitions, health, time, events.

use scrubjay_session::cxl::profile::Profile;
use scrubjay_uapi::cxl::ReturnCode;
use uuid::{Uuid, uuid};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Answer, Firmware, Outcome};

/// The command effects log (CXL r3.2, 8.2.10.5.2.1).
const CEL: Uuid = uuid!("0da9c0b5-bf41-4b78-8f79-96b1623b3f17");

/// Capacities are told in units of so many bytes.
const CAPACITY_UNIT_MIB: u64 = 256;

/// Events that each log could hold.
const EVENT_LOG_SIZE: u16 = 8;
/// Event logs: informational, warning, failure, fatal, dynamic capacity.
const EVENT_LOGS: u8 = 5;

/// Get Supported Logs, output with one log (8.2.10.5.1).
#[derive(IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct SupportedLogs {
    entries: U16,
    reserved: [u8; 6],
    uuid: [u8; 16],
    size: U32,
}

/// Get Log, input (8.2.10.5.2).
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct GetLog {
    uuid: [u8; 16],
    offset: U32,
    length: U32,
}

/// A row of the command effects log (8.2.10.5.2.1).
#[derive(IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct CelEntry {
    opcode: U16,
    effects: U16,
}

/// Identify Memory Device, output (8.2.10.9.1.1).
#[derive(Default, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Identification {
    firmware_revision: [u8; 16],
    total_capacity: U64,
    volatile_capacity: U64,
    persistent_capacity: U64,
    partition_alignment: U64,
    event_log_sizes: [U16; 4],
    label_storage_size: U32,
    poison_list_maximum: [u8; 3],
    inject_poison_limit: U16,
    poison_handling: u8,
    qos_telemetry: u8,
    dynamic_capacity_event_log_size: U16,
}

/// Get Partition Info, output (8.2.10.9.2.1).
#[derive(Default, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Partitions {
    active_volatile: U64,
    active_persistent: U64,
    next_volatile: U64,
    next_persistent: U64,
}

/// Get Health Info, output (8.2.10.9.3.1): all is well.
#[derive(Default, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Health {
    health_status: u8,
    media_status: u8,
    additional_status: u8,
    life_used: u8,
    /// Degrees Celsius.
    temperature: U16,
    dirty_shutdown_count: U32,
    corrected_volatile_errors: U32,
    corrected_persistent_errors: U32,
}

/// Get Event Records, output of an empty log (8.2.10.2.2).
#[derive(Default, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct EventRecords {
    flags: u8,
    reserved1: u8,
    overflow_count: U16,
    first_overflow: U64,
    last_overflow: U64,
    record_count: U16,
    reserved2: [u8; 10],
}

/// Whether an input of a command that takes none is empty.
fn nothing(input: &[u8]) -> Result<(), ReturnCode> {
    if input.is_empty() { Ok(()) } else { Err(ReturnCode::INVALID_PAYLOAD_LENGTH) }
}

/// Who the device is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    firmware_revision: [u8; 16],
    /// Bytes, all volatile.
    pub capacity: u64,
}

impl Identity {
    pub fn new(profile: &Profile) -> Self {
        let mut firmware_revision = [0; 16];
        firmware_revision[..profile.firmware_version.len()]
            .copy_from_slice(profile.firmware_version.as_bytes());
        Identity { firmware_revision, capacity: u64::from(profile.capacity_mib) << 20 }
    }

    fn units(&self) -> U64 {
        ((self.capacity >> 20) / CAPACITY_UNIT_MIB).into()
    }

    pub fn identify(&self, input: &[u8]) -> Outcome {
        nothing(input)?;
        let answer = Identification {
            firmware_revision: self.firmware_revision,
            total_capacity: self.units(),
            volatile_capacity: self.units(),
            event_log_sizes: [EVENT_LOG_SIZE.into(); 4],
            ..Identification::default()
        };
        Ok(Answer::output(answer.as_bytes()))
    }

    pub fn partitions(&self, input: &[u8]) -> Outcome {
        nothing(input)?;
        // No other partition waits for a reset (CXL r3.2, 8.2.10.9.2.1).
        let answer = Partitions { active_volatile: self.units(), ..Partitions::default() };
        Ok(Answer::output(answer.as_bytes()))
    }
}

impl Firmware {
    pub(super) fn supported_logs(&self, input: &[u8]) -> Outcome {
        nothing(input)?;
        let answer = SupportedLogs {
            entries: 1.into(),
            reserved: [0; 6],
            uuid: *CEL.as_bytes(),
            size: ((self.cel.len() * size_of::<CelEntry>()) as u32).into(),
        };
        Ok(Answer::output(answer.as_bytes()))
    }

    pub(super) fn log(&self, input: &[u8]) -> Outcome {
        let request = GetLog::ref_from_bytes(input).map_err(|_| ReturnCode::INVALID_PAYLOAD_LENGTH)?;
        if request.uuid != *CEL.as_bytes() {
            return Err(ReturnCode::INVALID_LOG);
        }
        let rows = self.cel.iter();
        let log: Vec<u8> = rows
            .flat_map(|row| {
                let entry = CelEntry { opcode: row.opcode.0.into(), effects: row.effects.0.into() };
                entry.as_bytes().to_vec()
            })
            .collect();
        let (start, len) = (request.offset.get() as usize, request.length.get() as usize);
        let part = start.checked_add(len).and_then(|end| log.get(start..end));
        match part {
            Some(part) if len <= self.payload => Ok(Answer::output(part)),
            _ => Err(ReturnCode::INVALID_INPUT),
        }
    }

    pub(super) fn get_timestamp(&self, input: &[u8]) -> Outcome {
        nothing(input)?;
        Ok(Answer::output(self.timestamp.to_le_bytes()))
    }

    pub(super) fn set_timestamp(&mut self, input: &[u8]) -> Outcome {
        let bytes = input.try_into().map_err(|_| ReturnCode::INVALID_PAYLOAD_LENGTH)?;
        self.timestamp = u64::from_le_bytes(bytes);
        Ok(Answer::done())
    }
}

/// Get Health Info.
pub(super) fn health(input: &[u8]) -> Outcome {
    nothing(input)?;
    Ok(Answer::output(Health { temperature: 40.into(), ..Health::default() }.as_bytes()))
}

/// Get Event Records: there are none.
pub(super) fn event_records(input: &[u8]) -> Outcome {
    match input {
        [log] if *log < EVENT_LOGS => Ok(Answer::output(EventRecords::default().as_bytes())),
        [_] => Err(ReturnCode::INVALID_INPUT),
        _ => Err(ReturnCode::INVALID_PAYLOAD_LENGTH),
    }
}

/// Clear Event Records: log, flags (bit 0 all), number of handles, handles. No handle is known.
pub(super) fn clear_event_records(input: &[u8]) -> Outcome {
    let (Some(&log), Some(&flags), Some(&handles)) = (input.first(), input.get(1), input.get(2)) else {
        return Err(ReturnCode::INVALID_PAYLOAD_LENGTH);
    };
    match (log < EVENT_LOGS, flags & 1 != 0, handles) {
        (false, ..) => Err(ReturnCode::INVALID_INPUT),
        (_, true, 0) => Ok(Answer::done()),
        (_, true, _) | (_, false, 0) => Err(ReturnCode::INVALID_INPUT),
        (_, false, _) => Err(ReturnCode::INVALID_HANDLE),
    }
}
