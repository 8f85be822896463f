//! The reference model: what the documentation says of a call, and nothing that only the driver's code says.
//!
//! [`rounds`](rounds::rounds) takes a sweep apart into [`Call`]s, [`word`] gives for each what fwctl's documentation
//! and uapi header require of the answer, or that they are silent. It knows of no kernel and reads no golden; its
//! test holds it against every recorded sweep.

pub mod rounds;
mod word;

pub use word::{Allowed, Word, word};

/// The three commands, INFO, and what is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `FWCTL_INFO`.
    Info,
    /// Get Supported Features through `FWCTL_RPC`.
    GetSupportedFeatures,
    /// Get Feature through `FWCTL_RPC`.
    GetFeature,
    /// Set Feature through `FWCTL_RPC`.
    SetFeature,
    /// Another opcode through `FWCTL_RPC`.
    OtherRpc,
    /// An ioctl by its command word.
    Ioctl,
}

/// What a Set Feature is aimed at, as the device shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Set Feature Effects: the 16 bits of the entry (CXL r3.2, 8.2.10.6.1).
    pub effects: u16,
    /// The entry's first flag.
    pub changeable: bool,
}

/// One round of a sweep: what a program passes, as far as documentation has a word on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is called.
    pub kind: Kind,
    /// The ioctl's command word.
    pub request: u32,
    /// The structure's `size` field.
    pub size: u32,
    /// Whether every byte behind the structure and within `size` is zero.
    pub tail_is_zero: bool,
    /// `flags` of the INFO structure.
    pub info_flags: u32,
    /// `scope` of the RPC structure.
    pub scope: u32,
    /// Whether the caller has `CAP_SYS_RAWIO`.
    pub rawio: bool,
    /// What a Set Feature changes; `None` where that is not known.
    pub target: Option<Target>,
    /// Whether some other field is not what a correct program passes, or may not be: documentation has no word on it.
    pub irregular: bool,
}
