//! Guests and the processes of guests. Asserts nothing.

use scrubjay_machine::{Guest, Spec};

use crate::support::{QEMU, deadlines};

/// Boots a guest that must come up.
pub fn boot(spec: &Spec) -> Guest {
    Guest::boot(&QEMU, spec, &deadlines()).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The processes that were started with `mark` in their environment, by id.
pub fn processes_marked(mark: &str) -> Vec<u32> {
    let ids = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let marked = |id: &u32| {
        std::fs::read(format!("/proc/{id}/environ"))
            .is_ok_and(|environment| environment.windows(mark.len()).any(|part| part == mark.as_bytes()))
    };
    ids.filter(marked).collect()
}
