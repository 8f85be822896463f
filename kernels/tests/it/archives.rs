//! Archives: Debian packages and tarballs of every compression, and what is refused in one.

use std::fs;
use std::io::Write;
use std::path::Path;

use rstest::rstest;
use scrubjay_kernels::{Image, KernelError, Silent, Source, UnpackError};

use crate::support::{Bench, deb, source_tarball, tarball, tree_files, xz};

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("compressed")
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("compressed")
}

/// Builds from a package of that name in the cache's downloads.
fn build_from_package(bench: &Bench, package: &[u8]) -> Result<Image, KernelError> {
    let source = bench.package("linux-source-7.3", &[]);
    fs::write(bench.path("cache/downloads").join(source.file_name()), package).expect("written");
    bench.resolver().obtain(&bench.manifest(Source::DebianSource(source)), &mut Silent)
}

/// Builds from a tarball of that name in the cache's downloads.
fn build_from_tarball(bench: &Bench, name: &str, bytes: &[u8]) -> Result<Image, KernelError> {
    fs::create_dir_all(bench.path("cache/downloads")).expect("made");
    fs::write(bench.path("cache/downloads").join(name), bytes).expect("written");
    let source = Source::UpstreamTarball { url: format!("https://nowhere.invalid/{name}"), sha256: None };
    bench.resolver().obtain(&bench.manifest(source), &mut Silent)
}

#[rstest]
#[case::xz("data.tar.xz", xz)]
#[case::zst("data.tar.zst", zst)]
#[case::gz("data.tar.gz", gz)]
#[case::plain("data.tar", <[u8]>::to_vec)]
fn a_kernel_is_built_from_the_tarball_in_a_debian_package(
    #[case] member: &str,
    #[case] compress: fn(&[u8]) -> Vec<u8>,
) {
    let bench = Bench::new();
    let source = source_tarball("true");
    let data = tarball(&[
        ("./usr/share/doc/linux-source-7.3/copyright", b"GPL"),
        ("./usr/src/linux-source-7.3.tar.xz", &source),
    ]);
    let image = build_from_package(&bench, &deb(member, &compress(&data))).expect("built");
    assert_eq!(image.release, "7.3.4");
}

#[rstest]
#[case("linux-7.3.4.tar.xz", xz)]
#[case("linux-7.3.4.tar.gz", gz)]
#[case("linux-7.3.4.tar.zst", zst)]
fn a_kernel_is_built_from_an_upstream_tarball(#[case] name: &str, #[case] compress: fn(&[u8]) -> Vec<u8>) {
    let bench = Bench::new();
    let files = tree_files("true");
    let names: Vec<String> = files.iter().map(|(name, _)| format!("linux-7.3.4/{name}")).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&files).map(|(name, (_, content))| (name.as_str(), content.as_slice())).collect();
    let image = build_from_tarball(&bench, name, &compress(&tarball(&files))).expect("built");
    assert_eq!(image.release, "7.3.4");
}

#[rstest]
#[case::up("linux/../../../escaped")]
#[case::absolute("/escaped")]
#[case::up_at_the_start("../escaped")]
fn a_path_that_leads_outside_is_refused(#[case] path: &str) {
    let bench = Bench::new();
    let bytes = xz(&tarball(&[("linux/Makefile", b""), (path, b"x")]));
    let error = build_from_tarball(&bench, "linux-7.3.4.tar.xz", &bytes).expect_err("refused");
    assert!(matches!(error, KernelError::Unpack(UnpackError::Escape { .. })), "{error}");
    assert!(error.to_string().contains("escaped"), "{error}");
    assert!(!found(&bench.root, "escaped"));
    assert!(bench.entries().is_empty(), "{:?}", bench.entries());

    let package = deb("data.tar.xz", &xz(&tarball(&[(path, b"x")])));
    let error = build_from_package(&bench, &package).expect_err("refused");
    assert!(matches!(error, KernelError::Unpack(UnpackError::Escape { .. })), "{error}");
}

#[test]
fn a_link_that_leads_outside_is_not_followed() {
    let bench = Bench::new();
    let outside = bench.path("outside");
    fs::create_dir(&outside).expect("made");
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    archive.append_link(&mut header, "linux/way", &outside).expect("appended");
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    archive.append_data(&mut header, "linux/way/escaped", &b"x"[..]).expect("appended");
    let bytes = xz(&archive.into_inner().expect("an archive"));
    let error = build_from_tarball(&bench, "linux-7.3.4.tar.xz", &bytes).expect_err("refused");
    assert!(matches!(error, KernelError::Unpack(_)), "{error}");
    assert!(!outside.join("escaped").exists());
}

#[test]
fn a_device_node_is_refused() {
    let bench = Bench::new();
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Char);
    header.set_size(0);
    archive.append_data(&mut header, "linux/null", &b""[..]).expect("appended");
    let bytes = xz(&archive.into_inner().expect("an archive"));
    let error = build_from_tarball(&bench, "linux-7.3.4.tar.xz", &bytes).expect_err("refused").to_string();
    assert!(error.contains("linux/null"), "{error}");
}

#[rstest]
#[case::no_package(b"no archive".to_vec(), "")]
#[case::no_data(deb("other", b""), "no data in this package")]
#[case::no_source(deb("data.tar.xz", &xz(&tarball(&[("./usr/src/README", b"x")]))), "no tarball in usr/src")]
#[case::cut({ let mut whole = deb("data.tar.xz", &xz(&tarball(&[("./usr/src/l.tar.xz", &source_tarball("true"))])));
              whole.truncate(whole.len() / 2); whole }, "")]
fn a_package_that_is_no_source_package_is_refused_by_name(#[case] package: Vec<u8>, #[case] named: &str) {
    let bench = Bench::new();
    let error = build_from_package(&bench, &package).expect_err("refused").to_string();
    assert!(error.contains("linux-source-7.3_7.3.4-1_all.deb") && error.contains(named), "{error}");
    assert!(bench.entries().is_empty(), "{:?}", bench.entries());
}

#[test]
fn a_tarball_without_a_kernel_in_it_is_refused() {
    let bench = Bench::new();
    let bytes = xz(&tarball(&[("other-1.0/Makefile", b"all:\n")]));
    let error = build_from_tarball(&bench, "other-1.0.tar.xz", &bytes).expect_err("refused").to_string();
    assert!(error.contains("no kernel source"), "{error}");
}

fn found(dir: &Path, name: &str) -> bool {
    fs::read_dir(dir).expect("a directory").any(|entry| {
        let entry = entry.expect("an entry");
        entry.file_name() == name || (entry.path().is_dir() && found(&entry.path(), name))
    })
}
