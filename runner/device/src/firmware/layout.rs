//! How a Set Feature changes the value of a Feature whose writable data is not its readable data.

use scrubjay_uapi::cxl::ecs::{self, EcsFruRead, EcsFruWrite};
use scrubjay_uapi::cxl::repair::{DEVICE_INITIATED, PprRead, PprWrite, SparingRead, SparingWrite};
use scrubjay_uapi::cxl::scrub::{self, ScrubRead, ScrubWrite};
use scrubjay_uapi::cxl::{KnownFeature, ReturnCode};
use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The value after data has been written at an offset of the writable form of `value`.
///
/// The caller has checked the lengths; what the layout forbids is `invalid-input`.
pub(super) fn written(
    known: KnownFeature,
    value: &[u8],
    offset: usize,
    data: &[u8],
) -> Result<Vec<u8>, ReturnCode> {
    match known {
        KnownFeature::PatrolScrub => fixed(value, offset, data, scrub_writable, scrub),
        KnownFeature::Ecs => ecs(value, offset, data),
        KnownFeature::SoftPpr | KnownFeature::HardPpr => fixed(value, offset, data, ppr_writable, ppr),
        KnownFeature::CachelineSparing
        | KnownFeature::RowSparing
        | KnownFeature::BankSparing
        | KnownFeature::RankSparing => fixed(value, offset, data, sparing_writable, sparing),
    }
}

type Checked = Result<(), ReturnCode>;

fn overlay(image: &mut [u8], offset: usize, data: &[u8]) -> Checked {
    let range = image.get_mut(offset..offset + data.len()).ok_or(ReturnCode::INVALID_PAYLOAD_LENGTH)?;
    range.copy_from_slice(data);
    Ok(())
}

/// A Feature with one structure to read and one to write.
fn fixed<R, W>(
    value: &[u8],
    offset: usize,
    data: &[u8],
    writable: fn(&R) -> W,
    apply: fn(&mut R, &W) -> Checked,
) -> Result<Vec<u8>, ReturnCode>
where
    R: FromBytes + IntoBytes + KnownLayout + Immutable,
    W: FromBytes + IntoBytes + Immutable,
{
    let mut read = R::read_from_bytes(value).map_err(|_| ReturnCode::INTERNAL_ERROR)?;
    let mut write = writable(&read);
    overlay(write.as_mut_bytes(), offset, data)?;
    apply(&mut read, &write)?;
    Ok(read.as_bytes().to_vec())
}

fn require(holds: bool) -> Checked {
    if holds { Ok(()) } else { Err(ReturnCode::INVALID_INPUT) }
}

fn scrub_writable(read: &ScrubRead) -> ScrubWrite {
    ScrubWrite { cycle_hours: read.cycle_hours, flags: read.flags }
}

/// Bits of the flags that have no meaning are kept as they are written: the kernel keeps them too.
fn scrub(read: &mut ScrubRead, write: &ScrubWrite) -> Checked {
    if write.cycle_hours != read.cycle_hours {
        require(read.capabilities & scrub::CYCLE_CHANGEABLE != 0)?;
        require(write.cycle_hours >= read.min_cycle_hours)?;
    }
    read.cycle_hours = write.cycle_hours;
    read.flags = write.flags;
    Ok(())
}

fn ppr_writable(read: &PprRead) -> PprWrite {
    PprWrite { op_mode: read.header.op_mode, ppr_op_mode: read.ppr_op_mode }
}

fn ppr(read: &mut PprRead, write: &PprWrite) -> Checked {
    operation_mode(read.header.op_cap, write.op_mode)?;
    // Sparing event records need capability bit 2, PPR at boot bit 3.
    let allowed = read.ppr_flags >> 2 & 0b11;
    require(write.ppr_op_mode & !allowed == 0)?;
    read.header.op_mode = write.op_mode;
    read.ppr_op_mode = write.ppr_op_mode;
    Ok(())
}

fn sparing_writable(read: &SparingRead) -> SparingWrite {
    SparingWrite { op_mode: read.header.op_mode }
}

fn sparing(read: &mut SparingRead, write: &SparingWrite) -> Checked {
    operation_mode(read.header.op_cap, write.op_mode)?;
    read.header.op_mode = write.op_mode;
    Ok(())
}

/// A device starts operations by itself only if it can.
fn operation_mode(cap: U16, mode: U16) -> Checked {
    require(mode.get() & !(cap.get() & DEVICE_INITIATED) == 0)
}

/// The bits of an ECS configuration that mean something.
const ECS_CONFIG: u16 = ecs::THRESHOLD_MASK | ecs::COUNT_CODEWORDS | ecs::RESET_COUNTER;

fn ecs(value: &[u8], offset: usize, data: &[u8]) -> Result<Vec<u8>, ReturnCode> {
    let mut value = value.to_vec();
    let (header, rest) = value.split_at_mut(ecs::HEADER);
    let frus = <[EcsFruRead]>::mut_from_bytes(rest).map_err(|_| ReturnCode::INTERNAL_ERROR)?;
    let mut image = header.to_vec();
    image.extend(frus.iter().flat_map(|fru| EcsFruWrite { config: fru.config }.as_bytes().to_vec()));
    overlay(&mut image, offset, data)?;
    let (new_header, new_rest) = image.split_at(ecs::HEADER);
    let writes = <[EcsFruWrite]>::ref_from_bytes(new_rest).map_err(|_| ReturnCode::INTERNAL_ERROR)?;
    // By DRAM or by memory media FRU; the rest of the byte means nothing.
    let log_entry_type = new_header[0] & ecs::LOG_ENTRY_TYPE_MASK;
    require(log_entry_type <= 1)?;
    header[0] = header[0] & !ecs::LOG_ENTRY_TYPE_MASK | log_entry_type;
    for (fru, write) in frus.iter_mut().zip(writes) {
        let config = write.config.get() & ECS_CONFIG;
        require((3..=5).contains(&(config & ecs::THRESHOLD_MASK)))?;
        if config & ecs::RESET_COUNTER != 0 {
            fru.flags = 0;
        }
        fru.config = (config & !ecs::RESET_COUNTER).into();
    }
    Ok(value)
}
