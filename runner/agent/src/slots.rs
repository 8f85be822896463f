//! The open descriptors of a session, which its branches share.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex};

/// The open descriptors of a session, by slot.
#[derive(Clone, Default)]
pub struct Slots(Arc<Mutex<HashMap<String, Arc<OwnedFd>>>>);

impl Slots {
    /// Puts a descriptor into a slot.
    pub fn put(&self, slot: &str, fd: OwnedFd) {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).insert(slot.to_owned(), Arc::new(fd));
    }

    /// The descriptor in a slot, or -1, which every call answers with EBADF.
    pub fn raw(&self, slot: &str) -> i32 {
        self.get(slot).map_or(-1, |fd| fd.as_raw_fd())
    }

    /// Held by the caller, so that a close by another branch cannot hand the number to someone else.
    pub fn get(&self, slot: &str) -> Option<Arc<OwnedFd>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).get(slot).cloned()
    }

    /// Empties a slot.
    pub fn take(&self, slot: &str) -> Option<Arc<OwnedFd>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).remove(slot)
    }
}
