//! How much one guest may say: its frames, what they grow to, its console, its QEMU's words. Holds a number.

use std::env;

/// What the variable is called that says another limit.
pub const VARIABLE: &str = "SCRUBJAY_GUEST_MIB";

/// How many MiB it may be.
const RANGE: std::ops::RangeInclusive<usize> = 8..=65_536;

/// Bytes that one guest may say from its start to its end. A guest that says more is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(usize);

impl Default for Limit {
    /// 64 MiB. The most that a guest with 150 sessions was seen to say is a fraction of it.
    fn default() -> Self {
        Limit(64 << 20)
    }
}

/// The variable says no limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE}={said}: not a number of MiB from {} to {}", RANGE.start(), RANGE.end())]
pub struct LimitError {
    said: String,
}

impl Limit {
    /// What `SCRUBJAY_GUEST_MIB` says, in MiB, else 64 MiB.
    ///
    /// # Errors
    /// It says something that is no such number.
    pub fn from_env() -> Result<Self, LimitError> {
        let said = env::var_os(VARIABLE).filter(|said| !said.is_empty());
        said.map_or(Ok(Limit::default()), |said| Limit::read(&said.to_string_lossy()))
    }

    fn read(said: &str) -> Result<Self, LimitError> {
        let mib = said.parse().ok().filter(|mib| RANGE.contains(mib));
        mib.map(|mib| Limit(mib << 20)).ok_or_else(|| LimitError { said: said.to_owned() })
    }

    /// All of it, in bytes.
    pub fn bytes(self) -> usize {
        self.0
    }

    /// What is kept of a console's start, and as much of its end: an eighth of the limit in all.
    pub(crate) fn console_part(self) -> usize {
        self.0 / 16
    }

    /// What is left for frames and the monitor.
    pub(crate) fn frames(self) -> usize {
        self.0 - 2 * self.console_part()
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} MiB ({VARIABLE})", self.0 >> 20)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::in_mib("128", Some(128 << 20))]
    #[case::least("8", Some(8 << 20))]
    #[case::too_little("7", None)]
    #[case::too_much("65537", None)]
    #[case::a_unit("64M", None)]
    fn a_limit_is_a_number_of_mib(#[case] said: &str, #[case] bytes: Option<usize>) {
        let read = Limit::read(said);
        assert_eq!(read.as_ref().ok().map(|limit| limit.bytes()), bytes);
        assert!(read.is_ok() || read.unwrap_err().to_string().starts_with(&format!("{VARIABLE}={said}: ")));
    }

    #[test]
    fn the_parts_are_the_whole() {
        let limit = Limit::default();
        assert_eq!(limit.frames() + 2 * limit.console_part(), limit.bytes());
    }
}
