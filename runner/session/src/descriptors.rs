//! Which device is behind each descriptor, as a session's steps open and copy them. Follows names; opens nothing.

use std::collections::HashMap;

use crate::step::Action;

/// The descriptors that the steps so far have made.
#[derive(Clone, Debug, Default)]
pub struct Descriptors(HashMap<String, Behind>);

/// What is behind a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Index into the session's devices.
    pub device: usize,
    /// The number of the step that opened it: a copy is as old as the first.
    pub opened: usize,
}

impl Descriptors {
    /// Takes the next step, which has this number.
    pub fn take(&mut self, number: usize, action: &Action) {
        match action {
            Action::Open(open) => {
                let behind = Behind { device: open.device, opened: number };
                self.0.extend(open.slots().into_iter().map(|slot| (slot, behind)));
            }
            Action::Dup(dup) | Action::Reopen(dup) => {
                if let Some(behind) = self.behind(&dup.from) {
                    self.0.insert(dup.to.clone(), behind);
                }
            }
            _ => {}
        }
    }

    /// What is behind a descriptor; `None` for one that no step has opened.
    pub fn behind(&self, slot: &str) -> Option<Behind> {
        self.0.get(slot).copied()
    }
}
