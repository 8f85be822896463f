//! Every form of file that is read: sessions, profiles, goldens, changes, promises, rules, waivers, policies,
//! manifests, mutants.
//!
//! A text is laid into a folder and read from there, since errors look up their lines in the file. What names other
//! things (a golden its session, a waiver a rule) is held against this repository's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use scrubjay_kernels::Manifest;
use scrubjay_mutants::Mutants;
use scrubjay_session::cxl::profile::{Profile, Profiles};
use scrubjay_session::lower::{Surroundings, lower};
use scrubjay_session::{Session, Sessions, file};
use scrubjay_verdict::golden::fingerprint;
use scrubjay_verdict::{Changes, Golden, Goldens, OwnPolicy, Promises, Waivers, rule};
use tempfile::TempDir;

/// What the files of this repository hold.
struct Shipped {
    sessions: Sessions,
    profiles: Profiles,
    changes: Changes,
    promises: Promises,
}

static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    Shipped {
        sessions: Sessions::load(&vectors.join("sessions")).expect("they are good"),
        profiles: Profiles::load_dir(&vectors.join("devices")).expect("they are good"),
        changes: Changes::load(&vectors.join("changes")).expect("they are good"),
        promises: Promises::load(&vectors.join("promises")).expect("they are good"),
    }
});

/// A folder with one file, which is called by what `key` says in it, and gone at the end.
fn laid(data: &[u8], key: &str, extension: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder for one file");
    let text = String::from_utf8_lossy(data);
    let id = text.split_once(key).map(|(_, rest)| rest.trim_start_matches([' ', ':', '=', '"']));
    let id = id
        .and_then(|rest| rest.split(['"', '/', '\0', '\n']).next())
        .filter(|id| (1..64).contains(&id.len()));
    let path = dir.path().join(format!("{}.{extension}", id.unwrap_or("a")));
    fs::write(&path, data).expect("a file of a few bytes");
    (dir, path)
}

/// A session, read, written, lowered and planned.
pub fn session(data: &[u8]) {
    let (_dir, path) = laid(data, "\"id\"", "json");
    let Ok(session) = Session::load(&path) else { return };
    let text = serde_json::to_string(&session).expect("it came from JSON");
    let again: Session = file::parse(&path, &text).expect("what was written is read");
    assert_eq!(serde_json::to_string(&again).expect("it came from JSON"), text);
    let same = Session::load(&path).expect("it was read before");
    assert_eq!(fingerprint(&same), fingerprint(&session));
    let feature = |profile: &str, name: &str| {
        let feature = SHIPPED.profiles.get(profile).ok()?.feature(name)?;
        Some((feature.uuid(), feature.set_version))
    };
    let devices: Vec<u16> = (0..session.devices.len() as u16).collect();
    let surroundings = Surroundings { feature: &feature, devices: &devices, patience: 1.0, sample: None };
    let _ = lower(&session, &surroundings);
    scrubjay_engine::plan(&[&session], 32);
}

/// A device profile.
pub fn profile(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let id = text.split_once("\"id\"").map(|(_, rest)| rest.trim_start_matches([' ', ':', '"']));
    let id = id.and_then(|rest| rest.split('"').next()).unwrap_or("a");
    let path = PathBuf::from(format!("{id}.json"));
    if let Ok(profile) = Profile::parse(text, &path) {
        let text = serde_json::to_string(&profile).expect("it came from JSON");
        let again = Profile::parse(&text, &path).expect("what was written is read");
        assert_eq!(serde_json::to_string(&again).ok(), Some(text));
    }
}

/// A golden, held against its session.
pub fn golden(data: &[u8]) {
    let (dir, path) = laid(data, "\"session\"", "json");
    let shipped = &*SHIPPED;
    let _ = Goldens::load_fitting(dir.path(), &shipped.sessions, &shipped.changes, &shipped.promises);
    if let Ok(golden) = file::read::<Golden>(&path) {
        let text = serde_json::to_string(&golden).expect("it came from JSON");
        let again: Golden = file::parse(&path, &text).expect("what was written is read");
        assert_eq!(serde_json::to_string(&again).ok(), Some(text));
    }
}

/// A known difference.
pub fn change(data: &[u8]) {
    let (dir, _path) = laid(data, "\"id\"", "json");
    let _ = Changes::load(dir.path());
}

/// An area of the promises.
pub fn promises(data: &[u8]) {
    let (dir, _path) = laid(data, "\"area\"", "json");
    let _ = Promises::load(dir.path());
}

/// A rule.
pub fn rule(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let id = text.split_once("id = \"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or("a");
    let _ = rule::read(&[(id, text)]);
}

/// A file of waivers.
pub fn waivers(data: &[u8]) {
    let (_dir, path) = laid(data, "\0", "toml");
    let today = jiff::civil::date(2026, 1, 1);
    let _ = Waivers::load(&path, today, &SHIPPED.sessions, &|id| ["7.2", "7.3"].contains(&id));
}

/// A policy of the user's own, read, kept and read again.
pub fn policy(data: &[u8]) {
    let (_dir, path) = laid(data, "\0", "toml");
    let Ok(own) = OwnPolicy::load(&path, &SHIPPED.promises, &SHIPPED.profiles) else { return };
    let text = serde_json::to_string(&own).expect("it can be kept");
    let kept: OwnPolicy = serde_json::from_str(&text).expect("what was kept is read");
    assert_eq!((kept.told().len(), &kept), (own.weigh.len(), &own));
}

/// A kernel's manifest.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(manifest) = Manifest::parse(Path::new("kernels/7.3.toml"), text) {
        for source in &manifest.sources {
            source.describe();
        }
    }
}

/// The head of a mutant.
pub fn mutant(data: &[u8]) {
    let (dir, _path) = laid(data, "\0", "cocci");
    let _ = Mutants::load(dir.path(), &SHIPPED.sessions, &SHIPPED.changes);
}
