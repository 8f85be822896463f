//! vfio-user messages on a stream: their layouts, and reading and writing one at a time within bounds.
//!
//! Knows no device. (QEMU's docs/interop/vfio-user.rst; all numbers have the host's byte order.)

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::cmsg_space;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The longest message that is taken, with its header: far above what a client of this device has to send,
/// whose longest is an access to a whole configuration space.
pub(crate) const LONGEST_MESSAGE: usize = 64 << 10;

/// The most data that one access may move: what the client is told (`max_data_xfer_size`).
pub(crate) const LONGEST_TRANSFER: usize = 32 << 10;

/// The most descriptors that Linux lets come with one message (include/net/scm.h, SCM_MAX_FD).
const MOST_DESCRIPTORS: usize = 253;

/// `Flags` of a header: this is a reply.
const REPLY: u32 = 1;
/// `Flags` of a header: no reply is wanted.
const NO_REPLY: u32 = 1 << 4;
/// `Flags` of a header: the reply says that the command failed.
const ERROR: u32 = 1 << 5;

/// What a client can ask for, as far as this server answers it ("Message Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Version,
    DmaMap,
    DmaUnmap,
    DeviceInfo,
    RegionInfo,
    IrqInfo,
    SetIrqs,
    RegionRead,
    RegionWrite,
    Reset,
}

impl Command {
    fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Command::Version,
            2 => Command::DmaMap,
            3 => Command::DmaUnmap,
            4 => Command::DeviceInfo,
            5 => Command::RegionInfo,
            7 => Command::IrqInfo,
            8 => Command::SetIrqs,
            9 => Command::RegionRead,
            10 => Command::RegionWrite,
            13 => Command::Reset,
            _ => return None,
        })
    }
}

/// What every message begins with ("Header").
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
struct Header {
    id: u16,
    command: u16,
    size: u32,
    flags: u32,
    error: u32,
}

/// VFIO_USER_VERSION; a JSON object that ends in a zero follows.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct Version {
    pub major: u16,
    pub minor: u16,
}

/// VFIO_USER_DMA_UNMAP.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct DmaUnmap {
    pub argsz: u32,
    pub flags: u32,
    pub address: u64,
    pub size: u64,
}

/// VFIO_USER_DEVICE_GET_INFO.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct DeviceInfo {
    pub argsz: u32,
    pub flags: u32,
    pub regions: u32,
    pub irqs: u32,
}

/// VFIO_USER_DEVICE_GET_REGION_INFO: `struct vfio_region_info` (include/uapi/linux/vfio.h).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct RegionInfo {
    pub argsz: u32,
    pub flags: u32,
    pub index: u32,
    pub cap_offset: u32,
    pub size: u64,
    pub offset: u64,
}

/// `struct vfio_region_info_cap_sparse_mmap` (include/uapi/linux/vfio.h); its areas follow.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct SparseAreas {
    pub id: u16,
    pub version: u16,
    pub next: u32,
    pub count: u32,
    pub reserved: u32,
}

/// VFIO_USER_DEVICE_GET_IRQ_INFO.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct IrqInfo {
    pub argsz: u32,
    pub flags: u32,
    pub index: u32,
    pub count: u32,
}

/// VFIO_USER_DEVICE_SET_IRQS; data may follow.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct SetIrqs {
    pub argsz: u32,
    pub flags: u32,
    pub index: u32,
    pub start: u32,
    pub count: u32,
}

/// VFIO_USER_REGION_READ and VFIO_USER_REGION_WRITE; what is written follows, as what was read does in the reply.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct Access {
    pub offset: u64,
    pub region: u32,
    pub count: u32,
}

/// One message from the client, whole.
#[derive(Debug)]
pub(crate) struct Message {
    header: Header,
    /// What follows the header.
    pub body: Vec<u8>,
}

impl Message {
    /// What it asks for; `None` for what this server does not do.
    pub fn command(&self) -> Option<Command> {
        Command::from_number(self.header.command)
    }

    /// The fixed part of a body, and what follows that.
    pub fn fixed<T: FromBytes + KnownLayout + Immutable>(&self) -> Result<(T, &[u8]), Refusal> {
        T::read_from_prefix(&self.body).map_err(|_| Refusal::INVALID)
    }
}

/// Why a command is not performed: an errno for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub u32);

impl Refusal {
    /// EINVAL: the message is none of this command.
    pub const INVALID: Refusal = Refusal(nix::libc::EINVAL as u32);
    /// EOPNOTSUPP: this server does not do that.
    pub const UNSUPPORTED: Refusal = Refusal(nix::libc::EOPNOTSUPP as u32);
    /// EIO: the device's memory failed.
    pub const FAILED: Refusal = Refusal(nix::libc::EIO as u32);
}

/// What a command gave: the reply's body, and a descriptor to send with it.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub body: Vec<u8>,
    pub descriptor: Option<RawFd>,
}

/// How a conversation ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error("the client went away")]
    Gone,
    #[error("the client went away while it was owed an answer")]
    BrokenOff(#[source] io::Error),
    #[error("the client sent a message of {0} bytes, and {LONGEST_MESSAGE} are the most")]
    Size(u32),
    #[error("the client's stream failed")]
    Io(#[from] io::Error),
}

/// Reads one message.
///
/// # Errors
/// The end of the stream; a length that no message has, after which the stream means nothing.
pub(crate) fn read(stream: &mut UnixStream) -> Result<Message, StreamError> {
    let mut start = [0; size_of::<Header>()];
    // What descriptors come (the guest's memory, its interrupts) is not for this device: they are closed here.
    let (got, _) = receive(stream, &mut start)?;
    if got == 0 {
        return Err(StreamError::Gone);
    }
    stream.read_exact(&mut start[got..]).map_err(StreamError::BrokenOff)?;
    let header = Header::read_from_bytes(&start).map_err(|_| StreamError::Gone)?;
    let len = usize::try_from(header.size).unwrap_or(usize::MAX);
    if !(size_of::<Header>()..=LONGEST_MESSAGE).contains(&len) {
        return Err(StreamError::Size(header.size));
    }
    let mut body = vec![0; len - size_of::<Header>()];
    stream.read_exact(&mut body).map_err(StreamError::BrokenOff)?;
    Ok(Message { header, body })
}

/// Reads what there is, with the descriptors that come with it.
fn receive(stream: &UnixStream, into: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    let mut vectors = [IoSliceMut::new(into)];
    loop {
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        match recvmsg::<()>(stream.as_raw_fd(), &mut vectors, Some(&mut space), flags) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(received) => {
                let mut descriptors = Vec::new();
                for message in received.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(numbers) = message {
                        // SAFETY: the kernel has just made these descriptors for us, and nobody else has them.
                        descriptors.extend(numbers.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
                    }
                }
                return Ok((received.bytes, descriptors));
            }
        }
    }
}

/// Answers a message, unless its client wants no answer.
///
/// # Errors
/// The client is gone.
pub(crate) fn reply(
    stream: &mut UnixStream,
    to: &Message,
    answer: Result<Answer, Refusal>,
) -> Result<(), StreamError> {
    if to.header.flags & NO_REPLY != 0 {
        return Ok(());
    }
    let (answer, error) = match answer {
        Ok(answer) => (answer, 0),
        Err(Refusal(errno)) => (Answer::default(), errno),
    };
    let header = Header {
        id: to.header.id,
        command: to.header.command,
        size: (size_of::<Header>() + answer.body.len()) as u32,
        flags: if error == 0 { REPLY } else { REPLY | ERROR },
        error,
    };
    let bytes = [header.as_bytes(), &answer.body].concat();
    let sent = match answer.descriptor {
        None => 0,
        Some(fd) => {
            let rights = [fd];
            let messages = [ControlMessage::ScmRights(&rights)];
            sendmsg::<()>(
                stream.as_raw_fd(),
                &[IoSlice::new(&bytes)],
                &messages,
                MsgFlags::MSG_NOSIGNAL,
                None,
            )
            .map_err(|errno| StreamError::BrokenOff(errno.into()))?
        }
    };
    stream.write_all(&bytes[sent..]).map_err(StreamError::BrokenOff)
}
