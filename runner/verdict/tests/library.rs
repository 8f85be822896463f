//! The library of the project itself is accepted by everything that refuses files.

use std::path::Path;

use scrubjay_verdict::Library;

#[test]
fn every_shipped_file_is_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let library = Library::load(&root).unwrap_or_else(|error| panic!("{error}"));
    let goldens = library.sessions.iter().filter(|s| library.goldens.get(&s.id).is_some()).count();
    assert_eq!(goldens, library.sessions.len(), "a session without a golden");
    assert!(library.sessions.len() >= 325 && library.profiles.iter().len() >= 41, "vectors are gone");
}
