//! What the supervisor sees of a worker: a page of memory that both share.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use scrubjay_wire::GuestStep;

/// What the supervisor sees of a worker, in memory that both share.
#[derive(Default)]
pub struct Heartbeat {
    ticket: AtomicU32,
    deadline_ms: AtomicU32,
    since_ms: AtomicU64,
    round: AtomicU64,
}

impl Heartbeat {
    /// Says that a step begins.
    pub fn begin(&self, step: &GuestStep) {
        self.ticket.store(step.ticket, Ordering::SeqCst);
        self.round.store(0, Ordering::SeqCst);
        self.deadline_ms.store(step.deadline_ms, Ordering::SeqCst);
        self.since_ms.store(now_ms(), Ordering::SeqCst);
    }

    /// Says that no step is under way.
    pub fn end(&self) {
        self.since_ms.store(0, Ordering::SeqCst);
    }

    /// Forgets the session before.
    pub fn clear(&self) {
        self.end();
        self.ticket.store(0, Ordering::SeqCst);
        self.round.store(0, Ordering::SeqCst);
    }

    /// Says that the rounds before `round` are done.
    pub fn checkpoint(&self, round: u64) {
        self.round.store(round, Ordering::Relaxed);
    }

    /// The step that is or was last under way, and the rounds that it had done.
    pub fn place(&self) -> (u32, u64) {
        (self.ticket.load(Ordering::SeqCst), self.round.load(Ordering::SeqCst))
    }

    /// How long the step under way may still take; `None` when none is.
    pub fn left(&self) -> Option<Duration> {
        let since = self.since_ms.load(Ordering::SeqCst);
        let deadline = u64::from(self.deadline_ms.load(Ordering::SeqCst));
        (since != 0).then(|| Duration::from_millis((since + deadline).saturating_sub(now_ms())))
    }
}

/// Milliseconds since the machine's boot, never 0.
fn now_ms() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("the clock is there");
    (now.tv_sec() as u64 * 1000 + now.tv_nsec() as u64 / 1_000_000).max(1)
}

/// The page that supervisor and worker share.
pub fn heartbeat() -> &'static Heartbeat {
    static PAGE: OnceLock<usize> = OnceLock::new();
    let page = *PAGE.get_or_init(|| {
        let len = std::num::NonZeroUsize::new(4096).expect("4096 is not 0");
        let flags = MapFlags::MAP_SHARED;
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing else.
        let page = unsafe { mmap_anonymous(None, len, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, flags) };
        page.expect("a page of memory").as_ptr() as usize
    });
    // SAFETY: the page is zeroed, large enough, aligned, never unmapped, and holds only atomics.
    unsafe { &*(page as *const Heartbeat) }
}
