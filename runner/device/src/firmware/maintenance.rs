//! Perform Maintenance (CXL r3.2, 8.2.10.7.1): repair, as far as anyone can see it.

use scrubjay_uapi::cxl::repair::{
    HARD_SPARING, MaintenanceHeader, OPERATION_HARD, PprOperation, PprRead, QUERY_RESOURCES, RepairHeader,
    SOFT_SPARING, SparingOperation, SparingRead, maintenance_of,
};
use scrubjay_uapi::cxl::{KnownFeature, ReturnCode};
use zerocopy::FromBytes;

use super::features::State;
use super::{Answer, Features, Outcome};

/// Performs an operation of a repair Feature of the device, found by the class and subclass that
/// the Feature's value names. Repairs always succeed and use nothing up.
pub(super) fn perform(features: &Features, capacity: u64, input: &[u8]) -> Outcome {
    let (header, parameters) =
        MaintenanceHeader::ref_from_prefix(input).map_err(|_| ReturnCode::INVALID_PAYLOAD_LENGTH)?;
    let named = |feature: &&State| {
        let repair = feature.known.and_then(maintenance_of).is_some();
        let value = RepairHeader::ref_from_prefix(&feature.current).ok();
        repair
            && value.is_some_and(|(value, _)| {
                (value.op_class, value.op_subclass) == (header.op_class, header.op_subclass)
            })
    };
    let feature = features.iter().find(named).ok_or(ReturnCode::INVALID_INPUT)?;
    match feature.known {
        Some(KnownFeature::SoftPpr | KnownFeature::HardPpr) => ppr(&feature.current, parameters, capacity),
        _ => sparing(&feature.current, parameters),
    }
}

fn ppr(value: &[u8], parameters: &[u8], capacity: u64) -> Outcome {
    let operation =
        PprOperation::ref_from_bytes(parameters).map_err(|_| ReturnCode::INVALID_PAYLOAD_LENGTH)?;
    let value = PprRead::ref_from_bytes(value).map_err(|_| ReturnCode::INTERNAL_ERROR)?;
    if operation.flags & !QUERY_RESOURCES != 0 {
        return Err(ReturnCode::INVALID_INPUT);
    }
    let takes_dpa = value.ppr_flags & 1 != 0;
    if takes_dpa && operation.dpa.get() >= capacity {
        return Err(ReturnCode::INVALID_PHYSICAL_ADDRESS);
    }
    Ok(Answer::done())
}

fn sparing(value: &[u8], parameters: &[u8]) -> Outcome {
    let operation =
        SparingOperation::ref_from_bytes(parameters).map_err(|_| ReturnCode::INVALID_PAYLOAD_LENGTH)?;
    let value = SparingRead::ref_from_bytes(value).map_err(|_| ReturnCode::INTERNAL_ERROR)?;
    let needed = if operation.flags & OPERATION_HARD != 0 { HARD_SPARING } else { SOFT_SPARING };
    if operation.flags >> 4 != 0 || value.restriction_flags.get() & needed == 0 {
        return Err(ReturnCode::INVALID_INPUT);
    }
    Ok(Answer::done())
}
