//! The command effects log (CXL r3.2, 8.2.10.5.2.1) that a profile comes to, and what the commands in it can do.

use scrubjay_uapi::cxl::repair::maintenance_of;
use scrubjay_uapi::cxl::{Effects, FeatureFlags, Opcode};

use super::{Cel, CelRow, Profile};

impl Profile {
    /// Its rows: what the profile says, or what the firmware implements.
    pub fn effects_log(&self) -> Vec<CelRow> {
        match &self.cel {
            None => self.implemented(),
            Some(Cel::Without(left_out)) => {
                self.implemented().into_iter().filter(|row| !left_out.contains(&row.opcode)).collect()
            }
            Some(Cel::Rows(rows)) => rows.clone(),
        }
    }

    fn implemented(&self) -> Vec<CelRow> {
        let row = |opcode: Opcode, effects| CelRow { opcode: opcode.into(), effects };
        let mut rows = vec![
            row(Opcode::GetEventRecords, Effects::default()),
            row(Opcode::ClearEventRecords, Effects::IMMEDIATE_LOG),
            row(Opcode::GetTimestamp, Effects::default()),
            row(Opcode::SetTimestamp, Effects::IMMEDIATE_POLICY),
            row(Opcode::GetSupportedLogs, Effects::default()),
            row(Opcode::GetLog, Effects::default()),
        ];
        if !self.features.is_empty() {
            // A Set Feature can do what any of the Features does (CXL r3.2, 8.2.10.6).
            let changeable = self.features.iter().filter(|f| f.flags.contains(FeatureFlags::CHANGEABLE));
            let effects = changeable.fold(0, |bits, feature| bits | feature.effects.0);
            rows.extend([
                row(Opcode::GetSupportedFeatures, Effects::default()),
                row(Opcode::GetFeature, Effects::default()),
                row(Opcode::SetFeature, Effects(effects)),
            ]);
        }
        if self.features.iter().filter_map(|f| f.known()).any(|known| maintenance_of(known).is_some()) {
            rows.push(row(Opcode::PerformMaintenance, Effects::IMMEDIATE_DATA));
        }
        rows.extend([
            row(Opcode::Identify, Effects::default()),
            row(Opcode::GetPartitionInfo, Effects::default()),
            row(Opcode::GetHealthInfo, Effects::default()),
        ]);
        rows
    }

    /// Whether the log has a command.
    pub fn implements(&self, opcode: u16) -> bool {
        self.effects_log().iter().any(|row| row.opcode.0 == opcode)
    }

    /// Whether a kernel may send a command. It sends those of Features only where the log has them
    /// (drivers/cxl/core/mbox.c, cxl_walk_cel); of others it sends some without asking.
    pub fn may_receive(&self, opcode: u16) -> bool {
        opcode >> 8 != Opcode::GetFeature.number() >> 8 || self.implements(opcode)
    }

    /// Whether the firmware ever answers a command with output.
    pub fn has_output(&self, opcode: u16) -> bool {
        let answered = [
            Opcode::GetEventRecords,
            Opcode::GetTimestamp,
            Opcode::GetSupportedLogs,
            Opcode::GetLog,
            Opcode::GetSupportedFeatures,
            Opcode::GetFeature,
            Opcode::Identify,
            Opcode::GetPartitionInfo,
            Opcode::GetHealthInfo,
        ];
        answered.iter().any(|known| known.number() == opcode) && self.implements(opcode)
    }
}
