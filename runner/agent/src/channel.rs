//! The way to the host: a virtio-serial port where there is one, else the second 16550.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use scrubjay_wire::{FrameError, ToGuest, ToHost, frame};

/// The name that the port was given on the host's side.
const PORT: &str = "scrubjay";

/// How long a virtio port may take to be probed before the 16550 is taken.
const PORT_DEADLINE: Duration = Duration::from_millis(300);

/// An open channel. One process speaks at a time: the supervisor between programs, the worker
/// during one.
pub struct Channel {
    file: Stream,
    kind: &'static str,
}

/// A file whose end is not an end: a virtio port reads nothing while the host is not connected.
struct Stream(File);

/// How many empty reads in a row mean that the host is gone.
static EMPTY: AtomicU32 = AtomicU32::new(0);

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buf)? {
                0 if EMPTY.fetch_add(1, Ordering::Relaxed) < 5_000 => sleep(Duration::from_millis(1)),
                n => {
                    EMPTY.store(0, Ordering::Relaxed);
                    return Ok(n);
                }
            }
        }
    }
}

impl Channel {
    /// Finds and opens the channel.
    pub fn open() -> io::Result<Self> {
        let has_virtio = fs::exists("/sys/bus/virtio").unwrap_or(false);
        let start = Instant::now();
        while has_virtio && start.elapsed() < PORT_DEADLINE {
            if let Some(path) = virtio_port() {
                let file = File::options().read(true).write(true).open(path)?;
                return Ok(Channel { file: Stream(file), kind: "virtio" });
            }
            sleep(Duration::from_millis(5));
        }
        let file = File::options().read(true).write(true).open("/dev/ttyS1")?;
        let mut settings = tcgetattr(&file)?;
        cfmakeraw(&mut settings);
        tcsetattr(&file, SetArg::TCSANOW, &settings)?;
        Ok(Channel { file: Stream(file), kind: "16550" })
    }

    /// `virtio` or `16550`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Sends one frame.
    pub fn send(&mut self, message: &ToHost) -> Result<(), FrameError> {
        frame::write(&mut self.file.0, message)
    }

    /// Sends two frames in one write.
    pub fn send_both(&mut self, first: &ToHost, second: &ToHost) -> Result<(), FrameError> {
        let mut bytes = frame::encode(first);
        bytes.extend(frame::encode(second));
        self.file.0.write_all(&bytes).map_err(FrameError::Io)
    }

    /// Waits for one frame.
    pub fn receive(&mut self) -> Result<ToGuest, FrameError> {
        frame::read(&mut self.file)
    }
}

/// The device node of the port with our name.
fn virtio_port() -> Option<PathBuf> {
    fs::read_dir("/sys/class/virtio-ports").ok()?.flatten().find_map(|port| {
        let name = fs::read_to_string(port.path().join("name")).ok()?;
        let node = PathBuf::from("/dev").join(port.file_name());
        (name.trim() == PORT && node.exists()).then_some(node)
    })
}
