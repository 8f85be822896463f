//! Which finding of a cause shows it most clearly.

use std::cmp::Reverse;

use super::follow::weight;
use crate::finding::Finding;

/// The clearest of them: the heaviest, and of those the one with the least to read.
///
/// # Panics
/// Where there is none: a cause has a finding.
pub fn of<'a>(findings: &[&'a Finding]) -> &'a Finding {
    let to_read = |f: &Finding| {
        let firmware = f.firmware.iter().flat_map(|f| f.accepted.iter().chain(&f.seen));
        f.accepted.len() + f.seen.len() + firmware.map(String::len).sum::<usize>()
    };
    let clear = |f: &&&Finding| (Reverse(weight(f)), Reverse(f.class), to_read(f), f.fingerprint.clone());
    findings.iter().min_by_key(clear).expect("a cause has a finding")
}
