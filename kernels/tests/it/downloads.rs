//! Downloads: resumed, checked, and taken from the next source where one fails.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rstest::rstest;
use scrubjay_kernels::{
    Cancellable, FetchError, KernelError, Manifest, Phase, Progress, Silent, Source, State,
};

use crate::support::{Bench, Manner, Server, read};

fn content() -> Vec<u8> {
    (0..200_000_u32).map(|index| (index * 7 % 251) as u8).collect()
}

/// sha256sum of `content()`.
const DIGEST: &str = "ff41b7e9cc397e9de1484b9ba8bd73b47c1bdfbc363d738bde401789cca5ef56";

fn manifest(bench: &Bench, server: &Server, sha256: Option<&str>) -> Manifest {
    bench.manifest(Source::UpstreamTarball {
        url: server.url("linux-7.3.4.tar.xz"),
        sha256: sha256.map(str::to_owned),
    })
}

/// Fetches, and looks whether what came is the file.
fn fetch(bench: &Bench, manifest: &Manifest) -> Result<bool, KernelError> {
    let fetched = bench.resolver().fetch(manifest, &mut Silent)?;
    Ok(read(&fetched[0].path) == content())
}

#[rstest]
#[case::digest_known(Some(DIGEST))]
#[case::length_only(None)]
fn a_file_is_fetched_once(#[case] sha256: Option<&str>) {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::Proper);
    let manifest = manifest(&bench, &server, sha256);
    assert_eq!(bench.resolver().state(&manifest).expect("a state"), State::Missing);
    for _ in 0..2 {
        assert!(fetch(&bench, &manifest).expect("fetched"));
    }
    assert_eq!(server.ranges(), [""]);
    let file = bench.path("cache/downloads/linux-7.3.4.tar.xz");
    assert_eq!(bench.resolver().state(&manifest).expect("a state"), State::Fetched { files: vec![file] });
}

#[test]
fn a_part_is_taken_up_where_it_ends() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::Proper);
    let part = bench.path("cache/downloads/linux-7.3.4.tar.xz.part");
    fs::create_dir_all(part.parent().expect("a parent")).expect("made");
    fs::write(&part, &content()[..70_000]).expect("written");
    let manifest = manifest(&bench, &server, Some(DIGEST));
    let state = bench.resolver().state(&manifest).expect("a state");
    assert_eq!(state, State::PartlyFetched { file: part.clone(), bytes: 70_000 });
    assert!(fetch(&bench, &manifest).expect("fetched"));
    assert_eq!(server.ranges(), ["70000-"]);
    assert!(!part.exists());
}

#[test]
fn a_part_that_is_the_whole_file_needs_nothing_more() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::Proper);
    let part = bench.path("cache/downloads/linux-7.3.4.tar.xz.part");
    fs::create_dir_all(part.parent().expect("a parent")).expect("made");
    fs::write(&part, content()).expect("written");
    assert!(fetch(&bench, &manifest(&bench, &server, None)).expect("fetched"));
    assert_eq!(server.ranges(), ["200000-"]);
}

#[test]
fn a_part_longer_than_the_file_is_thrown_away() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::Proper);
    let part = bench.path("cache/downloads/linux-7.3.4.tar.xz.part");
    fs::create_dir_all(part.parent().expect("a parent")).expect("made");
    fs::write(&part, vec![1; 300_000]).expect("written");
    assert!(fetch(&bench, &manifest(&bench, &server, None)).expect("fetched"));
    assert_eq!(server.ranges(), ["300000-", ""]);
}

#[test]
fn a_part_smaller_than_asked_for_is_not_taken_for_the_rest() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::SmallParts(60_000));
    let part = bench.path("cache/downloads/linux-7.3.4.tar.xz.part");
    fs::create_dir_all(part.parent().expect("a parent")).expect("made");
    fs::write(&part, &content()[..50_000]).expect("written");
    assert!(fetch(&bench, &manifest(&bench, &server, None)).expect("fetched"));
    assert_eq!(server.ranges(), ["50000-", "110000-", "170000-"]);
}

#[test]
fn a_broken_connection_is_taken_up_again() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::BreaksOffAt(50_000));
    assert!(fetch(&bench, &manifest(&bench, &server, None)).expect("fetched"));
    assert_eq!(server.ranges(), ["", "50000-"]);
}

#[test]
fn a_connection_that_keeps_breaking_is_an_error_and_keeps_the_part() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::AlwaysBreaksOffAt(10_000));
    let error = fetch(&bench, &manifest(&bench, &server, None)).expect_err("it never comes");
    assert!(matches!(error, KernelError::Fetch(FetchError::Network { .. })), "{error}");
    let part = bench.path("cache/downloads/linux-7.3.4.tar.xz.part");
    let got = read(&part);
    assert!(!got.is_empty() && content().starts_with(&got));
    assert!(!bench.path("cache/downloads/linux-7.3.4.tar.xz").exists());
}

#[test]
fn a_server_without_ranges_sends_the_file_anew() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::NoRanges);
    let part = bench.path("cache/downloads/linux-7.3.4.tar.xz.part");
    fs::create_dir_all(part.parent().expect("a parent")).expect("made");
    fs::write(&part, vec![9; 70_000]).expect("written");
    assert!(fetch(&bench, &manifest(&bench, &server, None)).expect("fetched"));
}

#[test]
fn a_file_with_another_digest_is_refused_and_removed() {
    let bench = Bench::new();
    let server = Server::start(b"something else".to_vec(), Manner::Proper);
    let error =
        fetch(&bench, &manifest(&bench, &server, Some(DIGEST))).expect_err("another file").to_string();
    assert!(error.contains(DIGEST) && error.contains("the manifest says"), "{error}");
    assert!(!bench.path("cache/downloads/linux-7.3.4.tar.xz").exists());
    assert!(!bench.path("cache/downloads/linux-7.3.4.tar.xz.part").exists());
}

#[test]
fn a_file_in_the_cache_with_another_digest_is_fetched_anew() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::Proper);
    let file = bench.path("cache/downloads/linux-7.3.4.tar.xz");
    fs::create_dir_all(file.parent().expect("a parent")).expect("made");
    fs::write(&file, "rotten").expect("written");
    assert!(fetch(&bench, &manifest(&bench, &server, Some(DIGEST))).expect("fetched"));
}

#[test]
fn a_file_of_unknown_length_needs_a_digest() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::NoLength);
    let error = fetch(&bench, &manifest(&bench, &server, None)).expect_err("it could be cut");
    assert!(matches!(error, KernelError::Fetch(FetchError::NoLength { .. })), "{error}");
    assert!(fetch(&bench, &manifest(&bench, &server, Some(DIGEST))).expect("fetched"));
}

#[test]
fn a_source_that_is_not_there_gives_way_to_the_next() {
    let bench = Bench::new();
    let missing = Server::start(Vec::new(), Manner::Missing);
    let server = Server::start(content(), Manner::Proper);
    let mut both = manifest(&bench, &missing, None);
    both.sources.extend(manifest(&bench, &server, None).sources);
    assert!(fetch(&bench, &both).expect("fetched"));

    let bench = Bench::new();
    let mut neither = manifest(&bench, &missing, None);
    neither.sources.push(Source::UpstreamTarball { url: missing.url("other.tar.xz"), sha256: None });
    let error = fetch(&bench, &neither).expect_err("nobody has it").to_string();
    assert!(error.contains("7.3") && error.contains("other.tar.xz") && error.contains("404"), "{error}");
}

/// Asks to stop as soon as something came.
struct StopsAfterTheFirstBytes(Arc<AtomicBool>);

impl Progress for StopsAfterTheFirstBytes {
    fn start(&mut self, _: &Phase<'_>) {}
    fn advance(&mut self, done: u64) {
        self.0.store(done > 0, Ordering::Relaxed);
    }
    fn finish(&mut self) {}
    fn note(&mut self, _: &str) {}
}

#[test]
fn an_interrupted_download_keeps_its_part_for_the_next_run() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::Proper);
    let manifest = manifest(&bench, &server, Some(DIGEST));
    let flag = Arc::new(AtomicBool::new(false));
    let mut progress = Cancellable::new(StopsAfterTheFirstBytes(Arc::clone(&flag)), flag);
    let error = bench.resolver().fetch(&manifest, &mut progress).expect_err("interrupted");
    assert!(matches!(error, KernelError::Interrupted), "{error}");
    let kept = read(&bench.path("cache/downloads/linux-7.3.4.tar.xz.part")).len();
    assert!(kept > 0 && kept < content().len(), "{kept}");
    assert!(fetch(&bench, &manifest).expect("fetched"));
    assert_eq!(server.ranges(), [String::new(), format!("{kept}-")]);
}

#[test]
fn a_file_that_is_longer_than_any_source_is_not_begun() {
    let bench = Bench::new();
    let server = Server::start(content(), Manner::Says(1 << 40));
    let error = fetch(&bench, &manifest(&bench, &server, Some(DIGEST))).expect_err("too long");
    assert!(matches!(error, KernelError::Fetch(FetchError::TooLong { .. })), "{error}");
    assert!(!bench.path("cache/downloads/linux-7.3.4.tar.xz.part").exists());
}
