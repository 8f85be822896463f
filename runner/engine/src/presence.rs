//! Whether a kernel has fwctl at all: decided once, for all guests of a run.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::guest::Live;

/// Which plan a guest serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The one whose first guest decides by its devices.
    First,
    /// Another, which waits for that decision.
    Later,
}

/// The decision: not made yet, or the evidence that there is none (`Some(None)`: there is fwctl).
#[derive(Default)]
pub struct Presence {
    decision: Mutex<Option<Option<String>>>,
    made: Condvar,
}

/// Decides at last, however the thread that was to decide ends, so that nobody waits for its word for ever.
pub struct AtLast<'a>(&'a Presence);

impl Drop for AtLast<'_> {
    fn drop(&mut self) {
        self.0.decide(None);
    }
}

impl Presence {
    /// For as long as this lives, the others wait for the first plan's word.
    pub fn decided_at_last(&self) -> AtLast<'_> {
        AtLast(self)
    }

    /// What a guest that has come up shows, held against what was decided: the evidence that there is no
    /// fwctl. That the class is missing is conclusive wherever it is seen; that no device has a node is
    /// for the first plan to say, whose guest has the most devices, and the others wait for its word; one
    /// that the host did not give its time says nothing.
    pub fn learn(&self, rank: Rank, live: &Live) -> Option<String> {
        match (rank, live.without_class()) {
            (_, Some(evidence)) => self.decide(Some(evidence)),
            (Rank::First, None) => {
                self.decide(live.without_nodes().filter(|_| live.stall().is_none()));
            }
            (Rank::Later, None) => {}
        }
        self.wait()
    }

    /// Waits for the decision.
    fn wait(&self) -> Option<String> {
        let decision = self.made.wait_while(self.lock(), |decision| decision.is_none());
        let decision = decision.unwrap_or_else(PoisonError::into_inner);
        decision.clone().flatten()
    }

    /// Decides, unless that is done.
    pub fn decide(&self, absent: Option<String>) {
        self.lock().get_or_insert(absent);
        self.made.notify_all();
    }

    /// The evidence that there is no fwctl, as far as that is decided.
    pub fn absent(&self) -> Option<String> {
        self.lock().clone().flatten()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Option<String>>> {
        self.decision.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_panics_before_it_has_decided_keeps_nobody_waiting() {
        let presence = Presence::default();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| presence.wait());
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let _decided = presence.decided_at_last();
                panic!("as a bug would");
            }));
            assert!(panicked.is_err());
            assert_eq!(waiting.join().unwrap(), None);
        });
    }

    #[test]
    fn what_was_decided_stays_when_the_guard_goes() {
        let presence = Presence::default();
        let guard = presence.decided_at_last();
        presence.decide(Some("no class".to_owned()));
        drop(guard);
        assert_eq!(presence.wait().as_deref(), Some("no class"));
    }
}
