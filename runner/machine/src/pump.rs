//! Reads everything that a guest and its QEMU say, in one thread, and hands it on in order.
//!
//! Owns the reading ends. Frames that were sent before a panic are handed on before the panic, and
//! the end comes last. Decides nothing.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
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
use scrubjay_wire::{FrameError, ToHost, frame};

use crate::console::ConsoleLog;
use crate::limit::Limit;
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
    /// The monitor says too much.
    Monitor(String),
    Qmp(Box<QmpEvent>),
    /// The console's file takes no more.
    ConsoleFile(io::Error),
    /// QEMU has closed everything.
    Gone,
}

/// What can be looked at while the thread runs.
pub(crate) struct Heard {
    console: Mutex<ConsoleLog>,
    stderr: Mutex<Vec<u8>>,
    first: Mutex<Option<Instant>>,
    /// Bytes of frames and of the monitor's lines so far, and what they grew to.
    said: AtomicUsize,
}

impl Heard {
    pub fn new(console: ConsoleLog) -> Self {
        Heard {
            console: Mutex::new(console),
            stderr: Mutex::default(),
            first: Mutex::default(),
            said: AtomicUsize::new(0),
        }
    }

    /// Bytes of frames and of the monitor's lines so far, and what they grew to.
    pub fn said(&self) -> usize {
        self.said.load(Ordering::Relaxed)
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
    limit: Limit,
) -> io::Result<JoinHandle<()>> {
    let mut pump = Pump::new(ends, heard, events, replies, limit);
    thread::Builder::new().name("guest".into()).spawn(move || while pump.round() {})
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Stderr,
    Qmp,
    Frames(Way),
}

struct Source {
    role: Role,
    end: OwnedFd,
    pending: Vec<u8>,
    open: bool,
    /// A frame has come this way.
    spoke: bool,
}

impl Source {
    fn new(role: Role, end: impl Into<OwnedFd>) -> Self {
        Source { role, end: end.into(), pending: Vec::new(), open: true, spoke: false }
    }

    /// Reads what there is. Not by O_NONBLOCK: the writing side shares the description.
    fn read(&self, into: &mut [u8]) -> nix::Result<usize> {
        recv(self.end.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT)
    }
}

struct Pump {
    /// A pipe that does not block; none when QEMU has closed it.
    console: Option<OwnedFd>,
    sources: Vec<Source>,
    heard: Arc<Heard>,
    events: Sender<Event>,
    replies: Replies,
    limit: Limit,
    panicked: bool,
    buffer: Vec<u8>,
}

/// What a frame or a line takes beside its own bytes while it waits to be looked at.
const QUEUED: usize = 128;

/// QEMU's words beyond this are dropped: it repeats itself.
const LONGEST_STDERR: usize = 64 << 10;

/// The longest line of the monitor that is believed: above any answer of QEMU's to what it is asked here.
const LONGEST_QMP: usize = 1 << 20;

impl Pump {
    fn new(ends: Ends, heard: Arc<Heard>, events: Sender<Event>, replies: Replies, limit: Limit) -> Self {
        let mut sources = vec![
            Source::new(Role::Stderr, ends.stderr),
            Source::new(Role::Qmp, ends.qmp),
            Source::new(Role::Frames(Way::Serial), ends.serial),
        ];
        sources.extend(ends.virtio.map(|end| Source::new(Role::Frames(Way::Virtio), end)));
        Pump {
            console: Some(ends.console),
            sources,
            heard,
            events,
            replies,
            limit,
            panicked: false,
            buffer: vec![0; 64 << 10],
        }
    }

    /// Waits, reads all ends, hands on. What the console said before a frame is heard before the frame is handed on;
    /// a frame that the guest sent before it panicked is handed on before the panic. So a panic is told where the
    /// console had it before the frames were read.
    fn round(&mut self) -> bool {
        let mut waiting: Vec<PollFd<'_>> = (self.sources.iter().map(|source| &source.end))
            .chain(&self.console)
            .map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN))
            .collect();
        let timeout = if self.untold().is_some() { PollTimeout::ZERO } else { PollTimeout::NONE };
        match poll(&mut waiting, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => {
                tracing::error!(%error, "the guest can no longer be heard");
                if let Some(line) = self.untold() {
                    let _ = self.events.send(Event::Panic(line));
                }
                let _ = self.events.send(Event::Gone);
                return false;
            }
        }
        let mut heard_all = self.hear();
        let panic = self.untold();
        let mut sources = std::mem::take(&mut self.sources);
        for source in &mut sources {
            heard_all &= self.drain(source);
        }
        if let Some(line) = panic {
            self.panicked = true;
            let _ = self.events.send(Event::Panic(line));
        }
        sources.retain(|source| source.open);
        self.sources = sources;
        let over = self.sources.is_empty() && self.console.is_none() && self.untold().is_none();
        if over {
            let _ = self.events.send(Event::Gone);
        }
        heard_all && !over
    }

    /// The panic that nobody was told of yet.
    fn untold(&self) -> Option<String> {
        if self.panicked { None } else { self.heard.console().panic().map(str::to_owned) }
    }

    /// Reads what the console has said until now, which is at most what fits into its pipe. False if nobody listens.
    fn hear(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        let (mut listening, mut heard) = (true, 0);
        while listening
            && heard < CONSOLE_ROOM as usize
            && let Some(end) = &self.console
        {
            match read(end, &mut buffer) {
                Ok(0) => self.console = None,
                Ok(n) => {
                    heard += n;
                    listening = self.console_said(&buffer[..n]);
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => self.console = None,
            }
        }
        listening
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
            Role::Stderr => {
                let mut kept = self.heard.stderr.lock().unwrap_or_else(PoisonError::into_inner);
                let room = LONGEST_STDERR - kept.len();
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                true
            }
            Role::Qmp => {
                source.pending.extend_from_slice(bytes);
                self.lines(source)
            }
            Role::Frames(way) => {
                source.pending.extend_from_slice(bytes);
                self.hear() && self.frames(way, source)
            }
        }
    }

    fn console_said(&self, bytes: &[u8]) -> bool {
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

    /// How many more bytes the guest may say.
    fn left(&self) -> usize {
        self.limit.frames().saturating_sub(self.heard.said())
    }

    /// Counts what was said.
    fn count(&self, bytes: usize) {
        self.heard.said.fetch_add(bytes, Ordering::Relaxed);
    }

    fn lines(&self, source: &mut Source) -> bool {
        let mut listening = true;
        let mut taken = 0;
        while let Some(rest) = source.pending.get(taken..)
            && let Some(end) = rest.iter().position(|&b| b == b'\n')
        {
            let said = parse(&rest[..end]);
            self.count(end + QUEUED);
            taken += end + 1;
            match said {
                Said::Event(event) => listening &= self.events.send(Event::Qmp(event)).is_ok(),
                Said::Reply(reply) => listening &= self.replies.send(reply).is_ok(),
                Said::Nothing => {}
            }
        }
        source.pending.drain(..taken);
        let too_long = source.pending.len() > LONGEST_QMP;
        if too_long || self.left() == 0 {
            source.open = false;
            source.pending = Vec::new();
            let why = match too_long {
                true => format!("a line of more than {LONGEST_QMP} bytes"),
                false => format!("it has said all that one guest may, {}", self.limit),
            };
            listening &= self.events.send(Event::Monitor(why)).is_ok();
        }
        listening
    }

    fn frames(&self, way: Way, source: &mut Source) -> bool {
        let mut taken = 0;
        let mut listening = true;
        while listening && source.open {
            let Some(rest) = source.pending.get(taken..) else { break };
            let Some((&length, body)) = rest.split_first_chunk::<4>() else { break };
            let length = u32::from_le_bytes(length) as usize;
            let event = match self.refusal(length, source.spoke) {
                Some(why) => {
                    source.open = false;
                    Event::Garbled(way, why)
                }
                None => match body.get(..length) {
                    None => break,
                    Some(body) => self.frame(way, body),
                },
            };
            taken += 4 + length;
            source.open &= matches!(event, Event::Frame(..));
            source.spoke = true;
            listening = self.events.send(event).is_ok();
        }
        if source.open {
            source.pending.drain(..taken);
            source.pending.shrink_to(self.buffer.len());
        } else {
            source.pending = Vec::new();
        }
        listening
    }

    /// Why a frame of this length is not waited for.
    fn refusal(&self, length: usize, spoke: bool) -> Option<String> {
        let longest = if spoke { frame::LONGEST } else { frame::LONGEST_READY } as usize;
        if length > longest {
            return Some(format!("a frame of {length} bytes, and {longest} are the most"));
        }
        let left = self.left();
        (length >= left).then(|| {
            format!(
                "a frame of {length} bytes, and {left} are left of what one guest may say, {}",
                self.limit
            )
        })
    }

    fn frame(&self, way: Way, body: &[u8]) -> Event {
        self.count(body.len() + QUEUED);
        let left = self.left();
        match frame::decode(body, left) {
            Ok((message, grown)) => {
                self.count(grown);
                Event::Frame(way, Box::new(message))
            }
            Err(FrameError::Garbled(why)) => {
                let full = why.contains(frame::NO_ROOM);
                let limit =
                    if full { format!(" of what one guest may say, {}", self.limit) } else { String::new() };
                Event::Garbled(way, format!("{why}{limit}"))
            }
            Err(error) => Event::Garbled(way, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
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
        let (theirs, events, mut pump) = pump();
        let heard = Arc::clone(&pump.heard);
        thread::spawn(move || while pump.round() {});
        (theirs, events, heard)
    }

    fn pump() -> (Theirs, Receiver<Event>, Pump) {
        let pair = || UnixStream::pair().unwrap();
        let ((s, serial), (q, qmp), (e, stderr)) = (pair(), pair(), pair());
        let (c, console) = console_pipe().unwrap();
        let console = console.into();
        let heard = Arc::new(Heard::new(ConsoleLog::new(None, Limit::default().console_part())));
        let (sender, events) = channel();
        let ends = Ends { console: c, stderr: e, qmp: q, serial: s, virtio: None };
        let pump = Pump::new(ends, heard, sender, channel().0, Limit::default());
        (Theirs { console, serial, qmp, _stderr: stderr }, events, pump)
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

    /// The host stood still between two looks: the guest has said all of this since the console was read.
    #[test]
    fn what_the_console_said_before_a_frame_is_heard_before_it_and_a_panic_behind_it_is_told_later() {
        let (mut theirs, events, mut pump) = pump();
        assert!(pump.hear());
        theirs.console.write_all(b"[    0.0] Linux version 7.3.4\n").unwrap();
        theirs.serial.write_all(&begin(1)).unwrap();
        theirs.console.write_all(b"[    1.0] Kernel panic - not syncing: x\n").unwrap();
        let mut sources = std::mem::take(&mut pump.sources);
        assert!(sources.iter_mut().all(|source| pump.drain(source)));
        pump.sources = sources;
        assert_eq!(ticket(events.try_recv().unwrap()), 1);
        assert!(pump.heard.first_word().is_some());
        assert!(events.try_recv().is_err());
        // Nothing more is said, and still this does not wait.
        assert!(pump.round());
        assert!(matches!(events.try_recv().unwrap(), Event::Panic(_)));
    }

    #[test]
    fn a_panic_that_is_the_last_word_is_told_before_the_end() {
        let (mut theirs, events, mut pump) = pump();
        theirs.serial.write_all(&begin(1)).unwrap();
        drop((theirs.serial, theirs.qmp, theirs._stderr));
        assert!(pump.round());
        theirs.console.write_all(b"[    1.0] Kernel panic - not syncing: x\n").unwrap();
        drop(theirs.console);
        while pump.round() {}
        let said: Vec<Event> = events.try_iter().collect();
        assert!(matches!(said[..], [Event::Frame(..), Event::Panic(_), Event::Gone]));
    }

    fn framed(json: &str) -> Vec<u8> {
        [&(json.len() as u32).to_le_bytes()[..], json.as_bytes()].concat()
    }

    fn buffers(many: usize) -> Vec<u8> {
        let all = vec![r#""a5*16777216""#; many].join(",");
        framed(&format!(r#"{{"done": {{"ticket": 0, "answer": {{"buffers": [{all}]}}}}}}"#))
    }

    fn hello(lacks: &str) -> Vec<u8> {
        framed(&format!(
            r#"{{"ready": {{"version": 1, "release": "7.3.4", "banner": "", "channel": "virtio",
                "lacks": {lacks}, "modules_refused": [], "cmdline": ""}}}}"#
        ))
    }

    #[rstest]
    #[case::impossible_length(vec![0xff; 8], "a frame of 4294967295 bytes, and 262144 are the most")]
    #[case::long_first_word(framed(&"x".repeat(300_000)), "a frame of 300000 bytes, and 262144 are the most")]
    #[case::long_later_word([begin(1), vec![0, 0, 0, 3]].concat(), "a frame of 50331648 bytes, and 33554432 are")]
    #[case::buffers_that_grow(buffers(400), "bytes more, and there is room for")]
    #[case::no_object(framed("7"), "expected")]
    #[case::no_frame(framed(r#"{"begun": {"ticket": 1}}"#), "unknown variant `begun`")]
    #[case::another_key(framed(r#"{"begin": {"ticket": 1, "tocket": 1}}"#), "unknown field `tocket`")]
    #[case::a_negative_ticket(framed(r#"{"begin": {"ticket": -1}}"#), "invalid value: integer `-1`")]
    #[case::deep(framed(&"[".repeat(200_000)), "expected")]
    #[case::a_lack_that_nobody_knows(hello(r#"["everything"]"#), "unknown variant `everything`")]
    fn a_frame_that_cannot_be_is_refused_with_what_is_wrong(#[case] bytes: Vec<u8>, #[case] said: &str) {
        let (mut theirs, events, heard) = pumped();
        // Who is refused is not read to the end.
        let writer = thread::spawn(move || {
            let _ = theirs.serial.write_all(&bytes);
            theirs
        });
        let why = loop {
            match events.recv().unwrap() {
                Event::Garbled(Way::Serial, why) => break why,
                Event::Frame(..) => {}
                _ => panic!("neither a frame nor a refusal"),
            }
        };
        assert!(why.contains(said), "{why}");
        assert!(heard.said() <= Limit::default().bytes());
        drop(events);
        drop(writer.join());
    }

    #[rstest]
    #[case::begins(begin(1))]
    #[case::answers(buffers(1))]
    fn a_flood_of_frames_ends_at_the_limit_and_tells_it(#[case] frame: Vec<u8>) {
        let (mut theirs, events, heard) = pumped();
        let flood = frame.repeat(1 + (1 << 16) / frame.len());
        let writer = thread::spawn(move || while theirs.serial.write_all(&flood).is_ok() {});
        let why = events.iter().find_map(|event| match event {
            Event::Garbled(_, why) => Some(why),
            _ => None,
        });
        let why = why.unwrap();
        assert!(why.contains("64 MiB (SCRUBJAY_GUEST_MIB)"), "{why}");
        assert!(heard.said() <= Limit::default().bytes(), "{}", heard.said());
        drop(events);
        writer.join().unwrap();
    }

    #[rstest]
    #[case::a_line_without_end(b"{".repeat(2 << 20), "a line of more than 1048576 bytes")]
    #[case::lines_without_end(b"{}\n".repeat(40 << 20), "64 MiB (SCRUBJAY_GUEST_MIB)")]
    fn a_monitor_that_never_stops_is_told(#[case] words: Vec<u8>, #[case] said: &str) {
        let (mut theirs, events, _) = pumped();
        let writer = thread::spawn(move || {
            let _ = theirs.qmp.write_all(&words);
            theirs
        });
        let why = events.iter().find_map(|event| match event {
            Event::Monitor(why) => Some(why),
            _ => None,
        });
        assert!(why.as_ref().is_some_and(|why| why.contains(said)), "{why:?}");
        drop(events);
        drop(writer.join());
    }

    #[rstest]
    #[case::no_json(b"hello\n")]
    #[case::no_object(b"[1, 2]\n")]
    #[case::an_event_that_is_none(b"{\"event\": 7}\n")]
    #[case::no_text(&[0xff, 0xfe, b'\n'])]
    #[case::deep(&[b'['; 4096])]
    fn what_the_monitor_never_says_is_passed_over(#[case] words: &[u8]) {
        let (mut theirs, events, _) = pumped();
        theirs.qmp.write_all(words).unwrap();
        theirs.serial.write_all(&begin(3)).unwrap();
        assert_eq!(ticket(events.recv().unwrap()), 3);
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
