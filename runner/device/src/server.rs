//! The thread that serves vfio-user on a socket, and its end.
//!
//! Owns the listening socket and the client's stream, and ends the thread by shutting both down: an accept and a
//! read then return. Does not know what a message asks for.

use std::fs::{self, Permissions};
use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send, shutdown};

use crate::backend::Backend;
use crate::machine::Shared;
use crate::message::{self, StreamError};

/// A serving thread and its socket.
#[derive(Debug)]
pub(crate) struct Service {
    path: PathBuf,
    listener: Arc<UnixListener>,
    thread: Option<JoinHandle<()>>,
    line: Arc<Line>,
}

/// What the thread and its handle both see of the connection.
#[derive(Debug, Default)]
struct Line(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    client: Client,
    stopping: bool,
    ended: bool,
}

/// Who is on the line.
#[derive(Debug, Default)]
enum Client {
    /// Nobody has called yet.
    #[default]
    NotYet,
    /// It is served.
    There(UnixStream),
    /// It went away, and no other has come.
    Gone,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Listens at once, serves on a thread of that name.
    pub fn start(path: &Path, name: &str, shared: Arc<Shared>) -> io::Result<Self> {
        let listener = Arc::new(UnixListener::bind(path)?);
        // For this user alone, whatever the umask says.
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        let line = Arc::<Line>::default();
        let mut service = Service { path: path.to_owned(), listener, thread: None, line: Arc::clone(&line) };
        let listener = Arc::clone(&service.listener);
        let thread = std::thread::Builder::new().name(format!("device {name}"));
        service.thread = Some(thread.spawn(move || {
            // However the thread ends, it serves no longer.
            let _ended = Ended(Arc::clone(&line));
            serve(&listener, &line, &shared);
        })?);
        Ok(service)
    }

    /// Whether the thread serves.
    pub fn alive(&self) -> bool {
        !self.line.state().ended
    }

    /// Whether a client was there and is no longer.
    pub fn client_gone(&self) -> bool {
        match &self.line.state().client {
            Client::NotYet => false,
            Client::Gone => true,
            // The thread may not have come to read the end yet.
            Client::There(stream) => has_hung_up(stream),
        }
    }

    /// Ends the thread, whatever it waits for.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        {
            let mut state = self.line.state();
            state.stopping = true;
            let _ = shutdown(self.listener.as_raw_fd(), nix::sys::socket::Shutdown::Both);
            if let Client::There(stream) = &state.client {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        let _ = thread.join();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Ended(Arc<Line>);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ended = true;
        if let Client::There(stream) = &state.client {
            let _ = stream.shutdown(Shutdown::Both);
            state.client = Client::Gone;
        }
    }
}

/// Whether nothing that is written reaches the client: it has closed its end, or reads no more, which is how QEMU
/// gives up on a server (hw/vfio-user/proxy.c, `vfio_user_shutdown`). Writes nothing (net/unix/af_unix.c,
/// `unix_stream_sendmsg`, asks for that before it asks for the length).
fn has_hung_up(stream: &UnixStream) -> bool {
    matches!(
        send(stream.as_raw_fd(), &[], MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT),
        Err(Errno::EPIPE)
    )
}

/// Serves one client after the other. Each finds a device that has just been powered on.
fn serve(listener: &UnixListener, line: &Line, shared: &Arc<Shared>) {
    let backend = Backend(Arc::clone(shared));
    loop {
        let accepted = listener.accept().and_then(|(stream, _)| Ok((stream.try_clone()?, stream)));
        let mut stream = match accepted {
            Ok((handle, stream)) => {
                let mut state = line.state();
                // Whoever stops this thread shuts down the stream that is there; one that came too late is closed.
                if state.stopping {
                    return;
                }
                state.client = Client::There(handle);
                stream
            }
            Err(error) => {
                if !line.state().stopping {
                    tracing::error!(%error, path = ?listener.local_addr().ok(), "a device's socket takes no client");
                }
                return;
            }
        };
        match converse(&mut stream, &backend) {
            StreamError::Gone => {}
            error => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a vfio-user client was dropped")
            }
        }
        {
            let mut state = line.state();
            state.client = Client::Gone;
            if state.stopping {
                return;
            }
        }
        if let Err(error) = shared.machine().power_cycle() {
            tracing::error!(%error, "the device's memory failed");
            return;
        }
    }
}

/// Answers one client until it goes or sends what is no message.
fn converse(stream: &mut UnixStream, backend: &Backend) -> StreamError {
    loop {
        let answered = message::read(stream)
            .and_then(|message| message::reply(stream, &message, backend.perform(&message)));
        if let Err(error) = answered {
            return error;
        }
    }
}
