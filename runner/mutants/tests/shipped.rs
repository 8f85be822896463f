//! The mutants of the project: every file reads, and they are of both kinds.

use std::path::{Path, PathBuf};

use scrubjay_mutants::{Kind, Mutants};
use scrubjay_session::Sessions;
use scrubjay_verdict::Changes;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> Mutants {
    let sessions = Sessions::load(&root().join("vectors/sessions")).expect("the sessions read");
    let changes = Changes::load(&root().join("vectors/changes")).expect("the changes read");
    Mutants::load(&root().join("kernels/mutants"), &sessions, &changes).expect("every mutant reads")
}

#[test]
fn there_are_breaks_to_be_caught_and_changes_to_be_left_alone() {
    let mutants = shipped();
    let breaks = mutants.all().iter().filter(|mutant| mutant.kind != Kind::Harmless).count();
    assert!(breaks >= 40, "{breaks} breaks");
    assert!(mutants.all().len() - breaks >= 10, "{} harmless", mutants.all().len() - breaks);
}

#[test]
fn every_mutant_changes_a_source_that_is_kept() {
    for mutant in shipped().all() {
        let units = ["drivers/cxl", "drivers/edac", "drivers/fwctl"];
        let is_kept = units.iter().any(|unit| mutant.file.starts_with(unit));
        assert!(is_kept && mutant.file.extension().is_some_and(|e| e == "c"), "{}", mutant.id);
    }
}

#[test]
fn a_directory_without_mutants_is_an_error() {
    let sessions = Sessions::load(&root().join("vectors/sessions")).expect("the sessions read");
    let dir = tempfile::tempdir().expect("a directory");
    let error = Mutants::load(dir.path(), &sessions, &Changes::default()).expect_err("none").to_string();
    assert!(error.contains("no mutant"), "{error}");
}
