//! Modules that a kernel refused, as lines of what was not checked.

/// What such a line begins with.
pub const MODULE_REFUSED: &str = "module refused";

/// The lines of what was not checked that name a module which the kernel refused: what ran is not the kernel that was
/// asked about.
pub fn modules_refused(not_checked: &[String]) -> impl Iterator<Item = &String> {
    not_checked.iter().filter(|line| line.starts_with(MODULE_REFUSED))
}
