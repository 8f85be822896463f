//! Guests and the processes of guests. Asserts nothing.

use scrubjay_machine::{Guest, Spec};

use crate::support::{QEMU, deadlines};

/// Boots a guest that must come up. One boot in a hundred dies in the kernel's own clock under TCG (docs/findings.md,
/// `tick_do_broadcast`): such a one is told on standard error and booted again, twice at most.
pub fn boot(spec: &Spec) -> Guest {
    let mut again = 2;
    loop {
        match Guest::boot(&QEMU, spec, &deadlines()) {
            Ok(guest) => return guest,
            Err(error) if again > 0 && format!("{error:?}").contains("tick_do_broadcast") => {
                eprintln!("booted again, because the kernel died in its clock: {error:?}");
                again -= 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
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
