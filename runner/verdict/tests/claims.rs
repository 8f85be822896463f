//! The catalogue of promises has no hole: what no session claims says why.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use scrubjay_verdict::{Claims, Library};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[test]
fn every_promise_is_claimed_or_says_why_not() {
    let library = Library::load(&root()).unwrap();
    let holes = Claims::of(&library).holes(&library.promises);
    assert!(holes.is_empty(), "{}", holes.join("\n"));
}

/// The catalogue with one promise changed, and its holes.
fn holes(id: &str, untested: Option<&str>) -> Vec<String> {
    let mut library = Library::load(&root()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(root().join("vectors/promises")).unwrap() {
        let path = entry.unwrap().path();
        let mut area: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for promise in area["promises"].as_array_mut().unwrap().iter_mut().filter(|p| p["id"] == id) {
            let promise = promise.as_object_mut().unwrap();
            promise.remove("untested");
            promise.extend(untested.map(|why| ("untested".to_owned(), why.into())));
        }
        fs::write(dir.path().join(path.file_name().unwrap()), area.to_string()).unwrap();
    }
    library.promises = scrubjay_verdict::Promises::load(dir.path()).unwrap();
    Claims::of(&library).holes(&library.promises)
}

#[rstest]
#[case::neither_claimed_nor_explained("A16", None, "A16: no session claims it, and no `untested` says why")]
#[case::no_reason("A16", Some(" "), "A16: `untested` gives no reason")]
#[case::claimed_and_explained(
    "A02",
    Some("x"),
    "A02: `untested`, and session `node-type-and-mode` claims it"
)]
fn a_hole_is_told(#[case] id: &str, #[case] untested: Option<&str>, #[case] told: &str) {
    assert_eq!(holes(id, untested), [told]);
}

/// Where the drivers are built in, a device that is there at boot is probed while they come up; a guest that was kept
/// finds its devices when all of them are there.
#[test]
fn what_is_promised_of_built_in_drivers_is_looked_at_where_devices_are_there_at_boot() {
    let library = Library::load(&root()).unwrap();
    for (promise, session) in [("A12", "node-in-its-directory"), ("I01", "edac-directory")] {
        let claims = Claims::of(&library);
        let is_cold = |id: &&str| library.sessions.get(id).unwrap().cold_boot;
        let cold: Vec<_> = claims.sessions(promise).filter(is_cold).collect();
        assert_eq!(cold, [session], "of {promise}");
    }
}
