//! The thread that serves vfio-user on a socket, and its end.
//!
//! `vfio_user::Server::run` accepts one client and returns when that goes; it gives no way to stop it.
//! So the thread is ended from outside: the listening socket is shut down, which ends an accept, and
//! the accepted one, found among the process's descriptors by the address it was accepted on, too,
//! which ends a read.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::{Shutdown, UnixAddr, getsockname, getsockopt, shutdown, sockopt};
use vfio_user::{Error, Server};

use crate::backend::{Backend, irqs, regions};
use crate::machine::Shared;

/// A serving thread and its socket.
#[derive(Debug)]
pub(crate) struct Service {
    path: PathBuf,
    listener: UnixListener,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl Service {
    /// Listens at once, serves on a thread of that name.
    pub fn start(path: &Path, name: &str, shared: Arc<Shared>) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let mut service = Service { path: path.to_owned(), listener, thread: None, shared };
        let server = {
            let machine = service.shared.machine();
            let listener = OwnedFd::from(service.listener.try_clone()?);
            Server::from_owned_fd(listener, true, irqs(), regions(&machine))
        };
        let shared = Arc::clone(&service.shared);
        let thread = std::thread::Builder::new().name(format!("device {name}"));
        service.thread = Some(thread.spawn(move || serve(&server, &shared))?);
        Ok(service)
    }

    /// Ends the thread, whatever it waits for.
    pub fn stop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let Some(thread) = self.thread.take() else { return };
        while !thread.is_finished() {
            // Again and again: the thread may be between an accept and the first read.
            let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
            shut_down_accepted(&self.path);
            std::thread::sleep(Duration::from_millis(1));
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

fn serve(server: &Server, shared: &Arc<Shared>) {
    let mut backend = Backend(Arc::clone(shared));
    while !shared.stopping.load(Ordering::SeqCst) {
        // The library panics on some messages that no QEMU sends; the client is then dropped.
        match catch_unwind(AssertUnwindSafe(|| server.run(&mut backend))) {
            Ok(Err(Error::SocketAccept(_))) => break,
            Ok(Err(error)) => tracing::debug!(%error, "the vfio-user client was dropped"),
            Err(_) => tracing::debug!("the vfio-user client sent nonsense and was dropped"),
            Ok(Ok(())) => {}
        }
        if let Err(error) = shared.machine().power_cycle() {
            tracing::error!(%error, "the device's memory failed");
            break;
        }
    }
    shared.serving.store(false, Ordering::SeqCst);
}

/// Shuts down every connection of this process that was accepted on the socket at `path`.
fn shut_down_accepted(path: &Path) {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for number in numbers.collect::<Vec<i32>>() {
        if number < 0 {
            continue;
        }
        // SAFETY: the number is not -1. If the descriptor is closed by another thread meanwhile, the
        // duplication fails or duplicates another file, which is then looked at and let alone.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let Ok(fd) = fd.try_clone_to_owned() else { continue };
        let ours = getsockname::<UnixAddr>(fd.as_raw_fd()).is_ok_and(|address| address.path() == Some(path));
        if ours && getsockopt(&fd, sockopt::AcceptConn).is_ok_and(|listening| !listening) {
            let _ = shutdown(fd.as_raw_fd(), Shutdown::Both);
        }
    }
}
