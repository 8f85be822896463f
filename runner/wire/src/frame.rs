//! Frames: a little-endian 32-bit length, then JSON.
//!
//! The order of a guest's life: [`ToHost::Ready`], [`ToGuest::Settle`], [`ToHost::Settled`], then for
//! each program [`ToGuest::Run`], for each step [`ToHost::Begin`], [`ToGuest::Go`],
//! [`ToHost::Done`], and [`ToHost::End`]; at last [`ToGuest::PowerOff`]. A step is not performed
//! before its `Go`, so the host can cut the device's trace and act as firmware in between. A
//! worker sends `Done` of a step and `Begin` of the next together. Inside a parallel group the
//! branches go on by themselves, so that none waits for another that waits for the device: of their
//! steps only those are announced in which the host takes part ([`crate::Op::Host`]), and the
//! group's `Done` has the answers of all.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, LogLine};
use crate::lack::Lack;
use crate::op::{GuestStep, Probe};
use crate::room;

/// The longest frame that is believed: above any answer, below any nonsense. The longest answers are those of
/// calls with buffers of some MiB, written out in hexadecimal.
pub const LONGEST: u32 = 32 << 20;

/// The longest first frame of a guest, [`ToHost::Ready`].
pub const LONGEST_READY: u32 = 256 << 10;

/// What an error of [`decode`] says where a frame grows too large: the rest says how large.
pub const NO_ROOM: &str = room::NO_ROOM;

/// The version that both sides must have.
pub const VERSION: u32 = 2;

/// From the host to the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ToGuest {
    /// Let go of every CXL root and of all that is on these buses, so that the guest can be kept and started again
    /// with other devices. What comes next is [`ToGuest::Settle`], for which the agent looks for devices and binds the
    /// roots again.
    Park(Park),
    /// Which devices there are; the agent waits for them to come up.
    Settle(Settle),
    /// A session to perform, in a process of its own.
    Run(Program),
    /// The step may be performed.
    Go {
        /// The step.
        ticket: u32,
    },
    /// Power off.
    PowerOff,
}

/// From the agent to the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ToHost {
    /// The agent is up.
    Ready(Hello),
    /// The kernel knows no root and no device any more.
    Parked {
        /// Why it does all the same, on a kernel where this cannot be.
        refused: Option<String>,
    },
    /// The devices are up, or will not come.
    Settled {
        /// One for each device: whether it came up as far as asked.
        #[serde(deserialize_with = "crate::room::list")]
        reached: Vec<bool>,
        /// One for each device: whether it has a fwctl node.
        #[serde(deserialize_with = "crate::room::list")]
        nodes: Vec<bool>,
        /// One for each device: its PCI address as the kernel says it, empty where there is none.
        #[serde(deserialize_with = "crate::room::list")]
        addresses: Vec<String>,
        /// CXL roots that the kernel had not bound after a second and the agent then did.
        #[serde(deserialize_with = "crate::room::list")]
        bound: Vec<String>,
        /// Kernel log lines since boot.
        #[serde(deserialize_with = "crate::room::list")]
        log: Vec<LogLine>,
        /// `/proc/sys/kernel/tainted`.
        taint: u64,
    },
    /// A step is about to be performed.
    Begin {
        /// The step.
        ticket: u32,
    },
    /// A step was performed.
    Done {
        /// The step.
        ticket: u32,
        /// What it gave.
        answer: Box<Answer>,
    },
    /// A program has ended, one way or another.
    End {
        /// How.
        end: End,
        /// Kernel log lines since the last answer.
        #[serde(deserialize_with = "crate::room::list")]
        log: Vec<LogLine>,
        /// `/proc/sys/kernel/tainted` afterwards.
        taint: u64,
    },
    /// The agent cannot go on.
    Failed {
        /// Why.
        why: String,
    },
}

/// What the agent says of its kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// [`VERSION`].
    pub version: u32,
    /// `uname -r`.
    pub release: String,
    /// `/proc/version`.
    pub banner: String,
    /// `virtio` or `16550`.
    pub channel: String,
    /// What this kernel lacks.
    #[serde(deserialize_with = "crate::room::list")]
    pub lacks: Vec<Lack>,
    /// Modules that were given and could not be loaded, with the errno.
    #[serde(deserialize_with = "crate::room::list")]
    pub modules_refused: Vec<String>,
    /// `/proc/cmdline`.
    pub cmdline: String,
}

/// What a guest is to let go of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Park {
    /// The beginning of the PCI addresses, `0000:0c:`.
    pub buses: Vec<String>,
    /// Functions on them that the guest has no use for afterwards.
    pub spare: Vec<String>,
}

/// The devices of a guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// In the order that [`crate::Where::device`] counts.
    pub devices: Vec<Attached>,
    /// How long to wait for all of them together.
    pub deadline_ms: u32,
}

/// One device and where to find it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attached {
    /// The profile's id.
    pub name: String,
    /// The PCI address of the port above it, `0000:0c:00.0`; empty for a device that is not there.
    pub port: String,
    /// How far it should come up.
    pub until: Probe,
}

/// A session in raw operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The session's id.
    pub session: String,
    /// In order.
    pub steps: Vec<GuestStep>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum End {
    /// All steps were performed.
    Finished,
    /// A step did not come back within its deadline.
    Hung {
        /// The step.
        ticket: u32,
        /// Rounds of a sweep that were done.
        checkpoint: u64,
        /// `/proc/PID/stack`, or why there is none.
        stack: String,
    },
    /// The process died.
    Died {
        /// The step.
        ticket: u32,
        /// Rounds of a sweep that were done.
        checkpoint: u64,
        /// The signal, or 0 with the exit status in `status`.
        signal: i32,
        /// The exit status.
        status: i32,
    },
}

/// Why a frame could not be moved.
#[derive(Debug)]
pub enum FrameError {
    /// The other side is gone.
    Closed,
    /// The stream failed.
    Io(io::Error),
    /// What came is no frame.
    Garbled(String),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FrameError::Closed => f.write_str("the channel was closed"),
            FrameError::Io(e) => write!(f, "the channel failed: {e}"),
            FrameError::Garbled(why) => write!(f, "the channel carried no frame: {why}"),
        }
    }
}

impl std::error::Error for FrameError {}

impl ToHost {
    /// Its name in the protocol.
    pub fn name(&self) -> &'static str {
        match self {
            ToHost::Ready(_) => "ready",
            ToHost::Parked { .. } => "parked",
            ToHost::Settled { .. } => "settled",
            ToHost::Begin { .. } => "begin",
            ToHost::Done { .. } => "done",
            ToHost::End { .. } => "end",
            ToHost::Failed { .. } => "failed",
        }
    }
}

/// Encodes one frame.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut out = vec![0; 4];
    serde_json::to_writer(&mut out, message).expect("messages have string keys and finite numbers");
    let len = (out.len() - 4) as u32;
    out[..4].copy_from_slice(&len.to_le_bytes());
    out
}

/// Writes one frame in one call.
pub fn write<T: Serialize>(to: &mut impl Write, message: &T) -> Result<(), FrameError> {
    to.write_all(&encode(message)).and_then(|()| to.flush()).map_err(FrameError::Io)
}

/// Reads one frame.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, FrameError> {
    let mut len = [0; 4];
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::UnexpectedEof => FrameError::Closed,
        _ => FrameError::Io(e),
    };
    from.read_exact(&mut len).map_err(failed)?;
    let len = u32::from_le_bytes(len);
    if len > LONGEST {
        return Err(FrameError::Garbled(format!("a length of {len} bytes")));
    }
    let mut body = vec![0; len as usize];
    from.read_exact(&mut body).map_err(failed)?;
    serde_json::from_slice(&body).map_err(|e| FrameError::Garbled(e.to_string()))
}

/// Reads the JSON of one frame that may grow to so many bytes, counted as [`crate::room`] does. What was read, and
/// how many bytes it takes.
///
/// # Errors
/// [`FrameError::Garbled`]: it is no message, or grows beyond that.
pub fn decode<T: DeserializeOwned>(body: &[u8], limit: usize) -> Result<(T, usize), FrameError> {
    let (read, used) = room::within(limit, || serde_json::from_slice(body));
    read.map(|message| (message, used)).map_err(|e| FrameError::Garbled(e.to_string()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::Bytes;

    fn done(answer: &str) -> String {
        format!(r#"{{"done": {{"ticket": 0, "answer": {answer}}}}}"#)
    }

    #[rstest]
    #[case::buffers(&done(&format!(r#"{{"buffers": [{}]}}"#, [r#""a5*16777216""#; 400].join(","))))]
    #[case::hexadecimal(&done(&format!(r#"{{"buffers": ["{}"]}}"#, "0f".repeat(2 << 20))))]
    #[case::branches(&done(&format!(r#"{{"branches": [{}]}}"#, ["[]"; 50_000].join(","))))]
    #[case::answers(&done(&format!(r#"{{"branches": [[{}]]}}"#, ["[0,{}]"; 10_000].join(","))))]
    #[case::words(&done(&format!(
        r#"{{"runs": [{{"first": 0, "count": 1, "errno": 0, "words": [{}]}}]}}"#,
        ["0"; 300_000].join(",")
    )))]
    #[case::nodes(&format!(
        r#"{{"settled": {{"reached": [{}], "nodes": [], "addresses": [], "bound": [], "log": []}}}}"#,
        ["true"; 1_100_000].join(",")
    ))]
    fn what_grows_beyond_its_room_is_refused_before_it_is_there(#[case] json: &str) {
        let error = decode::<ToHost>(json.as_bytes(), 1 << 20).unwrap_err().to_string();
        assert!(error.contains("and there is room for"), "{error}");
        assert!(error.len() < 300, "{error}");
    }

    #[test]
    fn what_a_frame_takes_is_what_it_grew_to() {
        let json = done(r#"{"buffers": ["a5*1000", "0102"]}"#);
        let (message, used) = decode::<ToHost>(json.as_bytes(), 2_000).unwrap();
        assert_eq!(used, 1_002 + 2 * size_of::<Bytes>());
        assert!(matches!(message, ToHost::Done { answer, .. } if answer.buffers[0].len() == 1_000));
    }

    #[test]
    fn what_nests_deeper_than_any_answer_is_refused() {
        let deep = format!("{}{}", r#"{"branches":[[[0,"#.repeat(1_000), r#"{}]]]}"#.repeat(1_000));
        let error = decode::<ToHost>(done(&deep).as_bytes(), 1 << 30).unwrap_err().to_string();
        assert!(error.contains("recursion limit"), "{error}");
    }
}
