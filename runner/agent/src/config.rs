//! The config that a kernel was built with, where it shows it (`CONFIG_IKCONFIG_PROC`).

use std::fs::File;
use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;

/// Whether the config has this line. A kernel that does not show its config says nothing.
pub fn says(wanted: &str) -> bool {
    let Ok(packed) = File::open("/proc/config.gz") else { return false };
    let lines = BufReader::new(GzDecoder::new(packed)).lines();
    lines.map_while(Result::ok).any(|line| line == wanted)
}
