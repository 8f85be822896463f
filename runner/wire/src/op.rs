//! Raw operations: what the agent performs, without knowing what it means.

use serde::{Deserialize, Serialize};

use crate::Bytes;

/// One operation with its place in the session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestStep {
    /// Unique in the program; what every frame about this step carries.
    pub ticket: u32,
    /// After so many milliseconds the step counts as hung.
    pub deadline_ms: u32,
    /// What to do.
    pub op: Op,
}

/// What the agent can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Op {
    /// `open(2)` into each of the named slots. The answer's `ret` is 0, never the descriptor's number.
    Open {
        /// The slots' names.
        slots: Vec<String>,
        /// What to open.
        at: Where,
        /// `O_…` bits as Linux on x86-64 numbers them.
        flags: i32,
    },
    /// `close(2)` of a slot.
    Close {
        /// The slot's name.
        slot: String,
    },
    /// `dup(2)` of one slot into another.
    Dup {
        /// The slot that is there.
        from: String,
        /// The slot that is made.
        to: String,
    },
    /// `open(2)` of `/proc/self/fd/N` for reading and writing, N the descriptor in a slot.
    Reopen {
        /// The slot that is there.
        from: String,
        /// The slot that is made.
        to: String,
    },
    /// `ioctl(2)`; the answer's buffers are the operation's, as they stand afterwards.
    Ioctl(Ioctl),
    /// A file operation that fwctl does not offer (read, write, lseek, mmap, poll).
    FileCall {
        /// The slot's name.
        slot: String,
        /// Which call.
        call: FileCall,
    },
    /// Opens a file, reads at most 64 KiB, closes it; the answer's `text` is what was read.
    ReadFile {
        /// Which file.
        at: Where,
    },
    /// Opens a file for writing, writes once, closes it.
    WriteFile {
        /// Which file.
        at: Where,
        /// What to write. `{bdf}` stands for the PCI address of the file's device, `{memdev}` for the
        /// name of its memdev.
        text: String,
    },
    /// The names in a directory with type and mode; the answer's `entries`, sorted by name.
    List {
        /// Which directory.
        at: Where,
    },
    /// Type, mode, owner of one file: the answer's `entries` has one row.
    Stat {
        /// Which file.
        at: Where,
    },
    /// Where a symbolic link ends, names of numbered devices replaced (`mem0` to `memN`): the answer's `text`.
    Resolve {
        /// Which link.
        at: Where,
    },
    /// Takes one capability out of the effective, permitted, inheritable and bounding sets of the process.
    DropCapability {
        /// The number, as in `linux/capability.h`.
        number: u8,
    },
    /// `setresuid`/`setresgid` to this id, with no supplementary groups.
    Become {
        /// User and group id.
        id: u32,
    },
    /// `unshare(CLONE_NEWUSER)` with the caller mapped to root.
    NewUserNamespace,
    /// `finit_module(2)` of a module that the guest was given.
    LoadModule {
        /// Its name, as in `/proc/modules`.
        name: String,
    },
    /// `delete_module(2)`, without waiting.
    UnloadModule {
        /// Its name, as in `/proc/modules`.
        name: String,
    },
    /// Runs a program and waits for its end: the answer's `ret` is its exit status, `text` what it wrote to standard
    /// output and then to standard error. No session asks for it.
    Execute {
        /// The program's path and its arguments.
        argv: Vec<String>,
    },
    /// Sleeps.
    Pause {
        /// Milliseconds.
        ms: u32,
    },
    /// Nothing in the guest: the host acts while the announcement waits for its answer.
    Host,
    /// Waits until a device has come up as far as said, or the step's deadline is near; `ret` is 1 if it has.
    Settle(Settling),
    /// Several lists of steps at the same time, a thread each, descriptors shared.
    Parallel {
        /// The lists.
        branches: Vec<Vec<GuestStep>>,
    },
    /// Raises a point that other branches wait for.
    Signal {
        /// The point's name.
        point: String,
    },
    /// Waits for a point.
    WaitFor {
        /// The point's name.
        point: String,
    },
    /// One ioctl many times over.
    Sweep(Sweep),
}

/// A device, and how far it has to come up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settling {
    /// Index into the attached devices.
    pub device: u16,
    /// How far.
    pub until: Probe,
}

/// How far the kernel brings a device up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Probe {
    /// The PCI function is there.
    Present,
    /// A memdev is there.
    Memdev,
    /// The memdev is bound to `cxl_mem`, so its port and EDAC nodes had their chance.
    Endpoint,
    /// The fwctl node is there.
    Node,
    /// The fwctl node is gone.
    NodeGone,
    /// The PCI function is gone.
    Gone,
}

/// A file, found through a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// Index into the attached devices.
    pub device: u16,
    /// Where `path` starts.
    pub anchor: Anchor,
    /// Relative to the anchor; empty for the anchor itself.
    pub path: String,
}

/// The places that a path starts from. An anchor that is not there gives ENOENT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Anchor {
    /// `/`.
    Root,
    /// The PCI function below its root port in `/sys/devices`.
    Pci,
    /// The memdev's directory (`…/memN`).
    Memdev,
    /// `/sys/class/fwctl/fwctlN` of the device.
    Fwctl,
    /// The character device `/dev/fwctl/fwctlN`.
    Node,
    /// The character device `/dev/cxl/memN`.
    MemdevNode,
    /// `/sys/bus/edac/devices/cxl_memN`.
    Edac,
}

/// One ioctl. Buffer 0 is the argument unless `arg` says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ioctl {
    /// The descriptor's slot.
    pub slot: String,
    /// The whole command word.
    pub request: u32,
    /// What the third argument is.
    pub arg: Arg,
    /// Memory that the call may touch.
    pub buffers: Vec<Buffer>,
    /// Pointers between the buffers, written before the call. After it the agent sets a pointer
    /// that still has its value to zero, because addresses differ between runs.
    pub links: Vec<Link>,
    /// 64-bit `syscall` or the 32-bit entry.
    pub entry: Entry32,
}

/// The third argument of an ioctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arg {
    /// The address of buffer 0.
    Buffer,
    /// This number.
    Value(u64),
}

/// How the kernel is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Entry32 {
    /// The `syscall` instruction.
    #[default]
    Native,
    /// `int 0x80`, buffers below 4 GiB.
    Ia32,
}

/// A piece of the process's memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// What it starts with; its length is the buffer's.
    pub bytes: Bytes,
    /// Where it lies.
    #[serde(default)]
    pub placement: Placement,
}

/// Where a buffer lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Placement {
    /// Aligned to 16 bytes in writable memory.
    #[default]
    Normal,
    /// One byte off.
    Unaligned,
    /// In memory that the process may not write.
    ReadOnly,
    /// So that the byte after the last lies in a page that is not mapped.
    PageEnd,
    /// In a page that is not mapped; the bytes are not used, the length is.
    Unmapped,
    /// At address 0; the bytes are not used.
    Null,
    /// At an address that only the kernel may use; the bytes are not used.
    Kernel,
    /// The same memory as buffer N, from its first byte.
    SameAs(u8),
}

/// A pointer in one buffer to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The buffer that holds the pointer.
    pub buffer: u8,
    /// Where in it the eight bytes are.
    pub offset: u32,
    /// The buffer that is pointed to.
    pub to: u8,
}

/// File operations other than open, close and ioctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FileCall {
    /// `read(2)` of 16 bytes.
    Read,
    /// `write(2)` of 16 bytes.
    Write,
    /// `lseek(2)` to 0.
    Seek,
    /// `mmap(2)` of a page, shared, readable.
    Map,
    /// `poll(2)` for reading and writing without waiting; `ret` is `revents`.
    Poll,
}

/// An ioctl repeated with values that move, performed and folded in the guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The call. Every buffer is laid afresh before each round.
    pub ioctl: Ioctl,
    /// What moves, the last fastest.
    pub vary: Vec<Vary>,
    /// Which 32-bit words of the buffers belong to a round's result: (buffer, offset).
    pub collect: Vec<(u8, u32)>,
}

/// One moving value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vary {
    /// The places that take the value: (buffer, offset, width in bytes 1, 2, 4 or 8). Buffer 255
    /// stands for the command word of the ioctl (offset 0, width 4).
    pub places: Vec<(u8, u32, u8)>,
    /// The values, in order.
    pub values: Values,
}

/// The values of a [`Vary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Values {
    /// `from`, `from + step`, … up to and with `to`.
    Range {
        /// First.
        from: u64,
        /// Last.
        to: u64,
        /// Distance, at least 1.
        step: u64,
    },
    /// Just these.
    List(Vec<u64>),
}

impl Values {
    /// How many values there are.
    pub fn len(&self) -> u64 {
        match self {
            Values::Range { from, to, step } => (to.saturating_sub(*from) / (*step).max(1)).saturating_add(1),
            Values::List(list) => list.len() as u64,
        }
    }

    /// At most so many of them and one, evenly spread: the first and the last are among them.
    pub fn sample(&self, most: u64) -> Values {
        let len = self.len();
        if len <= most {
            return self.clone();
        }
        let apart = len.div_ceil(most.max(1));
        let places = (0..len - 1).step_by(apart as usize).chain([len - 1]);
        let value = |place: u64| match self {
            Values::Range { from, step, .. } => from + place * step,
            Values::List(list) => list[place as usize],
        };
        Values::List(places.map(value).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The largest; 0 where there is none.
    pub fn most(&self) -> u64 {
        match self {
            Values::Range { to, .. } => *to,
            Values::List(list) => list.iter().copied().max().unwrap_or(0),
        }
    }

    /// The value at `index`.
    pub fn at(&self, index: u64) -> u64 {
        match self {
            Values::Range { from, step, .. } => from + index * step,
            Values::List(list) => list[index as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_first_and_the_last_and_is_spread_over_the_rest() {
        let range = Values::Range { from: 31, to: 65_535, step: 1 };
        let Values::List(sample) = range.sample(500) else { panic!("{range:?}") };
        assert_eq!((sample.first(), sample.last()), (Some(&31), Some(&65_535)));
        assert!((400..=501).contains(&sample.len()), "{}", sample.len());
        assert!(sample.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= 132));
    }

    #[test]
    fn what_is_few_is_all_tried() {
        let few = Values::List(vec![1, 7, 9]);
        assert_eq!(few.sample(3), few);
        assert_eq!(few.sample(1), Values::List(vec![1, 9]));
    }
}
