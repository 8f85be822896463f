//! How the answer of a step is read: what its buffers are.

use scrubjay_wire::Bytes;

/// How an answer is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// FWCTL_INFO: buffers are the structure and the device data.
    Info,
    /// FWCTL_RPC: buffers are the structure, the input and the output.
    Rpc {
        /// The header's opcode.
        opcode: u32,
        /// The input as it was before.
        input: Bytes,
    },
    /// CXL_MEM_QUERY_COMMANDS: one buffer.
    MemdevQuery,
    /// CXL_MEM_SEND_COMMAND: buffers are the structure, the input and the output.
    MemdevSend {
        /// The mailbox command that it becomes.
        opcode: Option<u16>,
        /// The input as it was before.
        input: Bytes,
    },
    /// Another ioctl: one buffer.
    Ioctl,
    /// A sweep.
    Sweep,
    /// The kernel's taint, read.
    Taint,
    /// A parallel group: names and first tickets of its branches.
    Parallel(Vec<String>),
    /// Anything else.
    Plain,
}
