//! The memdev's own node, `/dev/cxl/memN`: `include/uapi/linux/cxl_mem.h`.
//!
//! Integers are the host's; payloads are little-endian, as the mailbox takes them.

use zerocopy::native_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Opcode;

/// `CXL_MEM_QUERY_COMMANDS`, `_IOR(0xCE, 1, struct cxl_mem_query_commands)`.
pub const CXL_MEM_QUERY_COMMANDS: u32 = 0x8008_ce01;
/// `CXL_MEM_SEND_COMMAND`, `_IOWR(0xCE, 2, struct cxl_send_command)`.
pub const CXL_MEM_SEND_COMMAND: u32 = 0xc030_ce02;
/// The longest payload that a mailbox can have, in bytes (CXL r3.2, 8.2.8.4.3: 2^20).
pub const LONGEST_PAYLOAD: usize = 1 << 20;
/// What a size is that the kernel does not fix (drivers/cxl/core/mbox.c, `CXL_VARIABLE_PAYLOAD`).
pub const VARIABLE_SIZE: u32 = u32::MAX;

/// `struct cxl_mem_query_commands` without its array: 8 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct QueryCommands {
    /// In: [`CommandInfo`]s that there is room for; 0 asks how many there are.
    pub n_commands: U32,
    /// Reserved.
    pub rsvd: U32,
}

/// `struct cxl_command_info`: 16 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct CommandInfo {
    /// A [`MemdevCommand`]; 0 in the row of one that the kernel was built without.
    pub id: U32,
    /// Bit 0 enabled, bit 1 exclusive.
    pub flags: U32,
    /// Bytes of input, [`VARIABLE_SIZE`] where they are not fixed.
    pub size_in: U32,
    /// Bytes of output, likewise.
    pub size_out: U32,
}

impl CommandInfo {
    /// Its flags by name (`CXL_MEM_COMMAND_FLAG_*`).
    pub fn flag_names(&self) -> Vec<String> {
        const NAMES: [&str; 2] = ["enabled", "exclusive"];
        let set = (0..32).filter(|bit| self.flags.get() >> bit & 1 == 1);
        set.map(|bit| NAMES.get(bit).map_or_else(|| format!("bit-{bit}"), |name| (*name).to_owned()))
            .collect()
    }
}

/// `struct cxl_send_command`: 48 bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SendCommand {
    /// A [`MemdevCommand`].
    pub id: U32,
    /// `CXL_MEM_COMMAND_FLAG_*`.
    pub flags: U32,
    /// `raw.opcode`; the lower half of `rsvd` for every other command.
    pub opcode: U16,
    /// `raw.rsvd`; the upper half of `rsvd`.
    pub rsvd: U16,
    /// Answer: the device's return code.
    pub retval: U32,
    /// Bytes at `in_payload`.
    pub in_size: U32,
    /// Must be 0.
    pub in_rsvd: U32,
    /// User address of the payload.
    pub in_payload: U64,
    /// In: bytes at `out_payload`; answer: bytes that the device gave.
    pub out_size: U32,
    /// Must be 0.
    pub out_rsvd: U32,
    /// User address of the answer's payload.
    pub out_payload: U64,
}

macro_rules! commands {
    ($($number:literal $variant:ident $name:literal $opcode:literal $out:expr, $doc:literal;)*) => {
        /// `CXL_MEM_COMMAND_ID_*`: the commands of the memdev's node. The deprecated ones have no name here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum MemdevCommand {
            $(
                #[doc = $doc]
                $variant = $number,
            )*
        }

        impl MemdevCommand {
            /// All of them, by number.
            pub const ALL: &[MemdevCommand] = &[$(MemdevCommand::$variant),*];

            /// The name that JSON uses.
            pub fn name(self) -> &'static str {
                match self {
                    $(MemdevCommand::$variant => $name,)*
                }
            }

            /// The mailbox command that it becomes; `None` for [`MemdevCommand::Raw`], which names its own.
            pub fn opcode(self) -> Option<u16> {
                let opcode = match self {
                    $(MemdevCommand::$variant => $opcode,)*
                };
                (opcode != 0).then_some(opcode)
            }

            /// Bytes of output, where the kernel fixes them.
            pub fn fixed_out(self) -> Option<u32> {
                let out = match self {
                    $(MemdevCommand::$variant => $out,)*
                };
                (out != VARIABLE_SIZE).then_some(out)
            }
        }
    };
}

// drivers/cxl/core/mbox.c, cxl_mem_commands; the opcodes are those of drivers/cxl/cxlmem.h, enum cxl_opcode.
commands! {
    1 Identify "identify" 0x4000 0x43, "Identify Memory Device.";
    2 Raw "raw" 0 VARIABLE_SIZE, "Any mailbox command, past what the kernel knows of it.";
    3 GetSupportedLogs "get-supported-logs" 0x0400 VARIABLE_SIZE, "Get Supported Logs.";
    4 GetFirmwareInfo "get-firmware-info" 0x0200 0x50, "Get FW Info.";
    5 GetPartitionInfo "get-partition-info" 0x4100 0x20, "Get Partition Info.";
    6 GetLabelStorageArea "get-lsa" 0x4102 VARIABLE_SIZE, "Get LSA.";
    7 GetHealthInfo "get-health-info" 0x4200 0x12, "Get Health Info.";
    8 GetLog "get-log" 0x0401 VARIABLE_SIZE, "Get Log.";
    9 SetPartitionInfo "set-partition-info" 0x4101 0, "Set Partition Info.";
    10 SetLabelStorageArea "set-lsa" 0x4103 0, "Set LSA.";
    11 GetAlertConfig "get-alert-config" 0x4201 0x10, "Get Alert Configuration.";
    12 SetAlertConfig "set-alert-config" 0x4202 0, "Set Alert Configuration.";
    13 GetShutdownState "get-shutdown-state" 0x4203 0x1, "Get Shutdown State.";
    14 SetShutdownState "set-shutdown-state" 0x4204 0, "Set Shutdown State.";
    18 GetScanMediaCapabilities "get-scan-media-capabilities" 0x4303 0x4, "Get Scan Media Capabilities.";
    21 GetTimestamp "get-timestamp" 0x0300 0x8, "Get Timestamp.";
    22 GetLogCapabilities "get-log-capabilities" 0x0402 0x4, "Get Log Capabilities.";
    23 ClearLog "clear-log" 0x0403 0, "Clear Log.";
    24 GetSupportedLogsSublist "get-supported-logs-sublist" 0x0405 VARIABLE_SIZE, "Get Supported Logs Sub-List.";
}

impl MemdevCommand {
    /// The command with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| *command as u32 == number)
    }

    /// The mailbox command that it becomes, where that has a name.
    pub fn mailbox(self) -> Option<Opcode> {
        self.opcode().and_then(Opcode::from_number)
    }
}
