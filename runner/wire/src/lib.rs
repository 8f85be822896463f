//! What the host and the guest's agent say to each other.
//!
//! The host lowers a session into raw operations ([`op`]); the agent performs them and
//! answers with raw results ([`answer`]). Neither side's frames ([`frame`]) know a fwctl or CXL
//! layout: the agent moves bytes and pointers, the host knows what they mean.

pub mod answer;
pub mod bytes;
pub mod frame;
pub mod lack;
pub mod op;
pub mod room;

pub use answer::{Answer, Branch, Entry, LogLine, Run};
pub use bytes::Bytes;
pub use frame::{Attached, End, FrameError, Hello, Park, Program, Settle, ToGuest, ToHost, read, write};
pub use lack::Lack;
pub use op::{
    Anchor, Arg, Buffer, Entry32, FileCall, GuestStep, Ioctl, Link, Op, Placement, Probe, Sweep, Vary, Where,
};
