//! Raw answers: what came back from an operation.

use serde::{Deserialize, Serialize};

use crate::Bytes;

/// What one operation gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The errno, 0 for success; negative for what the agent itself could not do (see `text`).
    pub errno: i32,
    /// What the call returned when it succeeded; 0 where that is a descriptor.
    pub ret: i64,
    /// The operation's buffers afterwards.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::room::list")]
    pub buffers: Vec<Bytes>,
    /// What was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What was listed.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::room::list")]
    pub entries: Vec<Entry>,
    /// What a sweep gave.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::room::list")]
    pub runs: Vec<Run>,
    /// What the branches of a parallel group gave.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::room::list")]
    pub branches: Vec<Branch>,
    /// `/proc/sys/kernel/tainted` before.
    pub taint_before: u64,
    /// `/proc/sys/kernel/tainted` afterwards.
    pub taint_after: u64,
    /// The thread that performed it: what `T<pid>` of a log line's caller is held against.
    pub tid: u32,
    /// How long the call itself took, in nanoseconds.
    pub nanos: u64,
    /// Kernel log lines that came since the last answer.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::room::list")]
    pub log: Vec<LogLine>,
}

/// The answers of one branch, by ticket, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch(#[serde(deserialize_with = "crate::room::list")] pub Vec<(u32, Answer)>);

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// The name, numbers of numbered devices replaced by `N`.
    pub name: String,
    /// `f`, `d`, `l`, `c` or `b`.
    pub kind: char,
    /// The permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Rounds of a sweep with one result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Run {
    /// The first round's number.
    pub first: u64,
    /// How many rounds.
    pub count: u64,
    /// Their errno.
    pub errno: i32,
    /// The collected words.
    #[serde(deserialize_with = "crate::room::list")]
    pub words: Vec<u32>,
}

/// A record of `/dev/kmsg`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogLine {
    /// The record's sequence number.
    pub seq: u64,
    /// Microseconds since boot.
    pub micros: u64,
    /// The log level, 0 to 7.
    pub level: u8,
    /// `T<pid>` or `C<cpu>` on a kernel with PRINTK_CALLER.
    pub caller: Option<String>,
    /// The line.
    pub text: String,
}
