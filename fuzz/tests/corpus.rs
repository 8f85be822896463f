//! Replays the corpus of every fuzz target: what was found once is never found again. Fuzzes nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_fuzz::TARGETS;

/// What all corpora together may take, in bytes.
const ROOM: u64 = 1 << 20;

fn at(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(place)
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_input_of_every_corpus_is_read_or_refused_within_bounds() {
    scrubjay_fuzz::bound_memory();
    for (name, target) in TARGETS {
        let inputs = below(&at("corpus").join(name));
        assert!(inputs.len() >= 3, "{name}: {} inputs tell nothing", inputs.len());
        for path in inputs {
            // Shown where one fails.
            println!("{}", path.display());
            target(&fs::read(&path).expect("an input"));
        }
    }
}

#[test]
fn every_target_has_its_file_and_its_corpus_and_nothing_else_is_there() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for place in ["fuzz_targets", "corpus"] {
        let stems =
            below(&at(place)).into_iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
        assert_eq!(stems.collect::<BTreeSet<_>>(), names, "{place}");
    }
}

#[test]
fn the_corpora_stay_small() {
    let inputs = TARGETS.iter().flat_map(|(name, _)| below(&at("corpus").join(name)));
    let size: u64 = inputs.map(|path| fs::metadata(path).expect("an input").len()).sum();
    assert!(size <= ROOM, "{size} bytes; run `cargo fuzz cmin`");
}
