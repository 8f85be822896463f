//! What the fuzz targets do with their bytes: one function for each thing that is read from a guest, a file or a
//! package. The targets (`fuzz_targets/`) and the replay of the corpora (`tests/corpus.rs`) call the same ones.
//!
//! Each calls what the tool itself calls, and says by a panic what must never be: that something is read in another
//! way than it is written, that a file lands outside its folder. Owns no reader of its own.

pub mod archives;
pub mod channel;
pub mod files;
pub mod images;
pub mod log;

use nix::sys::resource::{Resource, setrlimit};

/// A target: bytes in, nothing out, a panic where something is wrong.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its file in `fuzz_targets/` and of its folder in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("archive", archives::archive),
    ("bytes", channel::bytes),
    ("change", files::change),
    ("frames", channel::frames),
    ("golden", files::golden),
    ("image", images::image),
    ("log", log::log),
    ("manifest", files::manifest),
    ("module", archives::module),
    ("mutant", files::mutant),
    ("policy", files::policy),
    ("profile", files::profile),
    ("promises", files::promises),
    ("rule", files::rule),
    ("session", files::session),
    ("waivers", files::waivers),
];

/// The most memory that a process of a target may take, in bytes. An input that asks for more ends the process.
pub const MEMORY: u64 = 1 << 30;

/// Bounds the memory of this process to [`MEMORY`], pages that were never touched counted.
pub fn bound_memory() {
    setrlimit(Resource::RLIMIT_DATA, MEMORY, MEMORY).expect("a process may bound itself");
}
