//! CXL values that a session writes by name: selections and opcodes.

use scrubjay_uapi::cxl::{Opcode, Selection};

use crate::names::named;

named!(
    /// A selection by name, or any 8-bit number.
    SelectionName, Selection, u8, "2"
);
named!(
    /// An opcode by name, or any 32-bit number: the RPC header's field is that wide.
    OpcodeName, Opcode, u32, "4"
);
