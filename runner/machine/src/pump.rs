//! Reads everything that a guest and its QEMU say, in one thread, and hands it on in order.
//!
//! Owns the reading ends. Frames that were sent before a panic are handed on before the panic, and
//! the end comes last. Decides nothing.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};
use nix::unistd::{pipe2, read};
use qapi::qmp::Event as QmpEvent;
use scrubjay_wire::{ToHost, frame};

use crate::console::ConsoleLog;
use crate::qmp::{Replies, Said, parse};

/// By which way a frame came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The virtio-serial port.
    Virtio,
    /// The second 16550.
    Serial,
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Way::Virtio => "the virtio-serial port",
            Way::Serial => "the second 16550",
        })
    }
}

/// Bytes of console that may wait to be read: what every user may ask for (pipe(7)).
const CONSOLE_ROOM: i32 = 1 << 20;

/// Something that happened.
pub(crate) enum Event {
    Frame(Way, Box<ToHost>),
    /// No frame; nothing more comes this way.
    Garbled(Way, String),
    Panic(String),
    Qmp(Box<QmpEvent>),
    /// The console's file takes no more.
    ConsoleFile(io::Error),
    /// QEMU has closed everything.
    Gone,
}

/// What can be looked at while the thread runs.
#[derive(Default)]
pub(crate) struct Heard {
    console: Mutex<ConsoleLog>,
    stderr: Mutex<Vec<u8>>,
    first: Mutex<Option<Instant>>,
}

impl Heard {
    pub fn new(console: ConsoleLog) -> Self {
        Heard { console: Mutex::new(console), ..Self::default() }
    }

    pub fn console(&self) -> MutexGuard<'_, ConsoleLog> {
        self.console.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// QEMU's own words.
    pub fn stderr(&self) -> String {
        let stderr = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&stderr).trim_end().to_owned()
    }

    /// When the console first spoke.
    pub fn first_word(&self) -> Option<Instant> {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reading ends.
pub(crate) struct Ends {
    /// A pipe that does not block.
    pub console: OwnedFd,
    pub stderr: UnixStream,
    pub qmp: UnixStream,
    pub serial: UnixStream,
    pub virtio: Option<UnixStream>,
}

/// What the console goes through: QEMU drops what a kernel says while nobody makes room, and a socket has
/// room for some hundred single characters, a pipe for as many as it has bytes. Ours is the reading end,
/// and does not block.
pub(crate) fn console_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    // Where a user may have no more, what there is has to do.
    let _ = fcntl(&ours, FcntlArg::F_SETPIPE_SZ(CONSOLE_ROOM));
    Ok((ours, theirs))
}

/// Starts the thread; it ends when QEMU has closed all its ends or when nobody listens any more.
pub(crate) fn start(
    ends: Ends,
    heard: Arc<Heard>,
    events: Sender<Event>,
    replies: Replies,
) -> io::Result<JoinHandle<()>> {
    // The console first and the frames last: see `Pump::round`.
    let mut sources = vec![
        Source::new(Role::Console, ends.console),
        Source::new(Role::Stderr, ends.stderr),
        Source::new(Role::Qmp, ends.qmp),
        Source::new(Role::Frames(Way::Serial), ends.serial),
    ];
    sources.extend(ends.virtio.map(|end| Source::new(Role::Frames(Way::Virtio), end)));
    let mut pump = Pump { sources, heard, events, replies, panicked: false, buffer: vec![0; 64 << 10] };
    thread::Builder::new().name("guest".into()).spawn(move || while pump.round() {})
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Console,
    Stderr,
    Qmp,
    Frames(Way),
}

struct Source {
    role: Role,
    end: OwnedFd,
    pending: Vec<u8>,
    open: bool,
}

impl Source {
    fn new(role: Role, end: impl Into<OwnedFd>) -> Self {
        Source { role, end: end.into(), pending: Vec::new(), open: true }
    }

    /// Reads what there is.
    fn read(&self, into: &mut [u8]) -> nix::Result<usize> {
        match self.role {
            Role::Console => read(&self.end, into),
            // Not by O_NONBLOCK: the writing side shares the description.
            _ => recv(self.end.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT),
        }
    }
}

struct Pump {
    sources: Vec<Source>,
    heard: Arc<Heard>,
    events: Sender<Event>,
    replies: Replies,
    panicked: bool,
    buffer: Vec<u8>,
}

/// QEMU's words beyond this are dropped: it repeats itself.
const LONGEST_STDERR: usize = 64 << 10;

impl Pump {
    /// Waits, reads all ends, hands on. The console is read before the frames and its panic handed
    /// on after them, so that a frame the guest sent before it panicked is never behind the panic.
    fn round(&mut self) -> bool {
        let mut waiting: Vec<PollFd<'_>> =
            self.sources.iter().map(|s| PollFd::new(s.end.as_fd(), PollFlags::POLLIN)).collect();
        match poll(&mut waiting, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => {
                tracing::error!(%error, "the guest can no longer be heard");
                let _ = self.events.send(Event::Gone);
                return false;
            }
        }
        let mut sources = std::mem::take(&mut self.sources);
        let mut heard_all = true;
        for source in &mut sources {
            heard_all &= self.drain(source);
        }
        if !self.panicked
            && let Some(line) = self.heard.console().panic()
        {
            self.panicked = true;
            let _ = self.events.send(Event::Panic(line.to_owned()));
        }
        sources.retain(|source| source.open);
        self.sources = sources;
        if self.sources.is_empty() {
            let _ = self.events.send(Event::Gone);
        }
        heard_all && !self.sources.is_empty()
    }

    /// Reads what there is. False if nobody listens.
    fn drain(&mut self, source: &mut Source) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut listening = true;
        while source.open && listening {
            match source.read(&mut buffer) {
                Ok(0) => source.open = false,
                Ok(n) => {
                    listening = self.take(source, &buffer[..n]);
                    if n < buffer.len() {
                        break;
                    }
                }
                Err(Errno::EAGAIN | Errno::EINTR) => break,
                Err(_) => source.open = false,
            }
        }
        self.buffer = buffer;
        listening
    }

    fn take(&mut self, source: &mut Source, bytes: &[u8]) -> bool {
        match source.role {
            Role::Console => self.console(bytes),
            Role::Stderr => {
                let mut kept = self.heard.stderr.lock().unwrap_or_else(PoisonError::into_inner);
                let room = LONGEST_STDERR - kept.len();
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                true
            }
            Role::Qmp => {
                source.pending.extend_from_slice(bytes);
                self.lines(&mut source.pending)
            }
            Role::Frames(way) => {
                source.pending.extend_from_slice(bytes);
                self.frames(way, source)
            }
        }
    }

    fn console(&self, bytes: &[u8]) -> bool {
        let mut console = self.heard.console();
        let pushed = console.push(bytes);
        if console.spoke() {
            self.heard.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        }
        match pushed {
            Ok(()) => true,
            Err(error) => self.events.send(Event::ConsoleFile(error)).is_ok(),
        }
    }

    fn lines(&self, pending: &mut Vec<u8>) -> bool {
        let mut listening = true;
        while let Some(end) = pending.iter().position(|&b| b == b'\n') {
            match parse(&pending[..end]) {
                Said::Event(event) => listening &= self.events.send(Event::Qmp(event)).is_ok(),
                Said::Reply(reply) => listening &= self.replies.send(reply).is_ok(),
                Said::Nothing => {}
            }
            pending.drain(..=end);
        }
        listening
    }

    fn frames(&self, way: Way, source: &mut Source) -> bool {
        let mut taken = 0;
        let mut listening = true;
        while listening && source.open {
            let rest = &source.pending[taken..];
            let Some(&length) = rest.first_chunk::<4>() else { break };
            let length = u32::from_le_bytes(length);
            if length <= frame::LONGEST && rest.len() < 4 + length as usize {
                break;
            }
            let mut one = rest;
            let event = match frame::read(&mut one) {
                Ok(message) => Event::Frame(way, Box::new(message)),
                Err(error) => {
                    source.open = false;
                    Event::Garbled(way, error.to_string())
                }
            };
            taken += rest.len() - one.len();
            listening = self.events.send(event).is_ok();
        }
        source.pending.drain(..taken);
        listening
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;
    use std::sync::mpsc::{Receiver, channel};

    struct Theirs {
        console: File,
        serial: UnixStream,
        qmp: UnixStream,
        _stderr: UnixStream,
    }

    fn pumped() -> (Theirs, Receiver<Event>, Arc<Heard>) {
        let pair = || UnixStream::pair().unwrap();
        let ((s, serial), (q, qmp), (e, stderr)) = (pair(), pair(), pair());
        let (c, console) = console_pipe().unwrap();
        let console = console.into();
        let heard = Arc::new(Heard::default());
        let (sender, events) = channel();
        let ends = Ends { console: c, stderr: e, qmp: q, serial: s, virtio: None };
        start(ends, Arc::clone(&heard), sender, channel().0).unwrap();
        (Theirs { console, serial, qmp, _stderr: stderr }, events, heard)
    }

    fn begin(ticket: u32) -> Vec<u8> {
        frame::encode(&ToHost::Begin { ticket })
    }

    fn ticket(event: Event) -> u32 {
        match event {
            Event::Frame(Way::Serial, message) => match *message {
                ToHost::Begin { ticket } => ticket,
                other => panic!("{other:?}"),
            },
            _ => panic!("no frame"),
        }
    }

    #[test]
    fn a_frame_that_comes_in_pieces_and_two_that_come_together_are_read() {
        let (mut theirs, events, _) = pumped();
        let one = begin(1);
        for piece in one.chunks(3) {
            theirs.serial.write_all(piece).unwrap();
        }
        theirs.serial.write_all(&[begin(2), begin(3)].concat()).unwrap();
        assert_eq!([1, 2, 3], [0; 3].map(|_| ticket(events.recv().unwrap())));
    }

    #[test]
    fn a_frame_sent_before_a_panic_is_handed_on_before_it() {
        for _ in 0..100 {
            let (mut theirs, events, _) = pumped();
            theirs.console.write_all(b"[    1.0] Kernel").unwrap();
            theirs.serial.write_all(&begin(1)).unwrap();
            theirs.console.write_all(b" panic - not syncing: x\n").unwrap();
            assert_eq!(ticket(events.recv().unwrap()), 1);
            assert!(matches!(events.recv().unwrap(), Event::Panic(_)));
        }
    }

    #[test]
    fn what_is_no_frame_is_said_once() {
        let (mut theirs, events, _) = pumped();
        theirs.serial.write_all(b"login: login: login: ").unwrap();
        assert!(matches!(events.recv().unwrap(), Event::Garbled(Way::Serial, _)));
        drop(theirs);
        assert!(matches!(events.recv().unwrap(), Event::Gone));
    }

    #[test]
    fn a_console_that_nobody_reads_for_a_while_loses_nothing() {
        let (ours, theirs) = console_pipe().unwrap();
        let mut theirs = File::from(theirs);
        fcntl(&theirs, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        // QEMU writes character by character.
        for i in 0..60_000u32 {
            assert_eq!(theirs.write(&[b'a' + (i % 26) as u8]).unwrap(), 1, "after {i} characters");
        }
        let mut all = vec![0; 60_001];
        assert_eq!(read(&ours, &mut all).unwrap(), 60_000);
    }

    #[test]
    fn the_end_comes_after_all_that_was_said() {
        let (mut theirs, events, heard) = pumped();
        theirs.serial.write_all(&begin(7)).unwrap();
        theirs.console.write_all(b"last words\r\n").unwrap();
        let stop = br#"{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}"#;
        theirs.qmp.write_all(&[&stop[..], b"\r\n"].concat()).unwrap();
        drop(theirs);
        let all: Vec<Event> = events.iter().collect();
        assert!(matches!(all.last(), Some(Event::Gone)) && all.len() == 3);
        assert_eq!(heard.console().text().0, "last words\n");
    }
}
