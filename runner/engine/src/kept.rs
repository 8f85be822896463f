//! The guests of a kernel that are kept without a device, one for each command line: others start from them instead
//! of booting. Owns them and the reasons why there are none; each is made by the first that needs it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use scrubjay_machine::Snapshot;

/// A kept guest, or why there is none; empty while nobody has asked for it.
type Place = Arc<Mutex<Option<Result<Arc<Snapshot>, String>>>>;

/// The kept guests of one kernel.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<BTreeMap<String, Place>>>);

impl Kept {
    /// The one with this command line. The first that asks makes it where that is `worth` its boot, and the others
    /// wait for that. None where there is none.
    pub(crate) fn of(
        &self,
        command_line: &str,
        worth: bool,
        take: impl FnOnce() -> Result<Snapshot, String>,
    ) -> Option<Arc<Snapshot>> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            places.entry(command_line.to_owned()).or_default().clone()
        };
        let mut kept = place.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() && worth {
            *kept = Some(take().map(Arc::new));
        }
        kept.as_ref()?.as_ref().ok().cloned()
    }

    /// Why there is none with a command line, where one was wanted.
    pub fn refusals(&self) -> Vec<String> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = |(line, place): (&String, &Place)| {
            let kept = place.lock().unwrap_or_else(PoisonError::into_inner);
            let why = kept.as_ref()?.as_ref().err()?;
            Some(if line.is_empty() { why.clone() } else { format!("with {line}: {why}") })
        };
        places.iter().filter_map(refusal).collect()
    }

    /// Lets all of them go.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
