//! Archives that were made to do harm: each is refused with its name, and nothing lands outside the folder that it was
//! to be unpacked into.

use std::fs;
use std::io::Write;
use std::path::Path;

use rstest::rstest;
use scrubjay_kernels::unpack::{self, MOST_TIMES, SMALL};
use scrubjay_kernels::{Silent, UnpackError};
use tar::EntryType;

use crate::support::{deb, tarball, xz};

/// One entry of an archive, its name written as it is.
fn entry(kind: EntryType, name: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    let gnu = header.as_gnu_mut().expect("a GNU header");
    gnu.name[..name.len()].copy_from_slice(name.as_bytes());
    gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
    if kind == EntryType::GNUSparse {
        gnu.set_real_size(0);
    }
    header.set_cksum();
    let padding = vec![0; content.len().next_multiple_of(512) - content.len()];
    [header.as_bytes().as_slice(), content, &padding].concat()
}

/// A tarball of a small tree and what `entries` add to it.
fn tree(entries: &[Vec<u8>]) -> Vec<u8> {
    let own = entry(EntryType::Regular, "linux/Makefile", "", b"all:\n");
    [own, entries.concat(), vec![0; 1024]].concat()
}

fn file(name: &str) -> Vec<u8> {
    entry(EntryType::Regular, name, "", b"harm")
}

fn link(name: &str, to: &str) -> Vec<u8> {
    entry(EntryType::Symlink, name, to, b"")
}

/// A name of so many bytes, in GNU's way.
fn long_name(length: usize) -> Vec<u8> {
    entry(EntryType::GNULongName, "././@LongLink", "", &vec![b'n'; length])
}

/// Unpacks into one of two folders, and gives the error's text with what it was caused by; the other folder, and the
/// folder of both, must stay as they were.
fn unpacked(name: &str, bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let (archive, dest) = (dir.path().join(name), dir.path().join("dest"));
    fs::write(&archive, bytes).expect("written");
    fs::create_dir(&dest).expect("made");
    fs::create_dir(dir.path().join("other")).expect("made");
    fs::write(dir.path().join("other/kept"), "kept").expect("written");
    let error = unpack::kernel_tree(&archive, &dest, &mut Silent).expect_err("refused");
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).expect("read").map(|entry| entry.expect("read").file_name()).collect();
    names.sort();
    let mut expected = [name, "dest", "other"];
    expected.sort();
    assert_eq!(names, expected, "something lies beside the folder");
    assert_eq!(fs::read_dir(dir.path().join("other")).expect("read").count(), 1, "something lies elsewhere");
    assert_eq!(fs::read_to_string(dir.path().join("other/kept")).expect("still there"), "kept");
    let first: &dyn std::error::Error = &error;
    let chain: Vec<String> =
        std::iter::successors(Some(first), |e| e.source()).map(|e| e.to_string()).collect();
    chain.join(": ")
}

#[rstest]
#[case::up(tree(&[file("linux/../../other/harm")]), "leads outside")]
#[case::up_at_the_start(tree(&[file("../other/kept")]), "leads outside")]
#[case::absolute(tree(&[file("/harm")]), "leads outside")]
#[case::link_out(tree(&[link("linux/way", "../../other")]), "leads outside")]
#[case::link_to_the_root(tree(&[link("linux/way", "/")]), "leads outside")]
#[case::link_and_file_through_it(tree(&[link("linux/way", "../../other"), file("linux/way/kept")]), "leads outside")]
#[case::two_links_that_lead_out_together(
    tree(&[link("linux/a", "."), link("linux/b", "a/../.."), link("linux/c", "b/../other"), file("linux/c/kept")]),
    "cannot unpack"
)]
#[case::hard_link_to_a_file_outside(
    tree(&[entry(EntryType::Link, "linux/way", "../other/kept", b""), file("linux/way")]), "cannot unpack"
)]
#[case::hard_link_to_the_root(tree(&[entry(EntryType::Link, "linux/way", "/etc/hostname", b"")]), "cannot unpack")]
#[case::hard_link_through_a_link(
    tree(&[link("linux/a", "b"), entry(EntryType::Link, "linux/c", "linux/a/../../../other/kept", b"")]),
    "cannot unpack"
)]
#[case::a_file_twice(tree(&[file("linux/Makefile")]), "cannot unpack")]
#[case::a_character_device(tree(&[entry(EntryType::Char, "linux/null", "", b"")]), "neither file")]
#[case::a_block_device(tree(&[entry(EntryType::Block, "linux/disk", "", b"")]), "neither file")]
#[case::a_fifo(tree(&[entry(EntryType::Fifo, "linux/pipe", "", b"")]), "neither file")]
#[case::a_file_with_holes(tree(&[entry(EntryType::GNUSparse, "linux/holes", "", b"")]), "holes")]
#[case::a_name_of_megabytes(tree(&[long_name(4 << 20), file("linux/x")]), "far too long")]
#[case::names_without_end(tree(&vec![long_name(1 << 16); 20]), "linux")]
#[case::a_header_that_lies(
    { let mut bytes = tree(&[file("linux/x")]); bytes[512 + 512 + 300] ^= 1; bytes }, "cannot unpack"
)]
#[case::cut_in_a_file(tree(&[file("linux/x")])[..512 * 3 + 100].to_vec(), "cannot unpack")]
#[case::of_something_else(b"PK\x03\x04 is no tarball".repeat(100), "cannot unpack")]
fn a_hostile_tarball_is_refused_and_stays_in_its_folder(#[case] bytes: Vec<u8>, #[case] said: &str) {
    let text = unpacked("linux-7.3.4.tar", &bytes);
    assert!(text.contains("linux-7.3.4.tar") && text.contains(said), "{text}");
}

#[test]
fn what_unpacks_without_end_is_given_up_early() {
    let zeroes = entry(EntryType::Regular, "linux/zeroes", "", &vec![0; 2 * SMALL as usize]);
    let bytes = xz(&tree(&[zeroes]));
    assert!(bytes.len() as u64 * MOST_TIMES < SMALL, "it is packed well enough");
    let text = unpacked("linux-7.3.4.tar.xz", &bytes);
    assert!(text.contains("far more"), "{text}");
}

#[test]
fn an_xz_file_that_asks_for_gigabytes_of_memory_is_refused() {
    // The dictionary's size in the block's header (xz-file-format, 5.3.1), with the header's CRC made anew.
    let mut bytes = xz(&tree(&[]));
    assert_eq!(&bytes[12..16], &[0x02, 0x00, 0x21, 0x01], "a block header with LZMA2 alone");
    bytes[16] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..20]);
    bytes[20..24].copy_from_slice(&crc.sum().to_le_bytes());
    let text = unpacked("linux-7.3.4.tar.xz", &bytes);
    assert!(text.to_lowercase().contains("memory"), "{text}");
}

#[rstest]
#[case::damaged_in_the_middle(|bytes: &mut Vec<u8>| { let at = bytes.len() / 2; bytes[at] ^= 0x55 })]
#[case::damaged_behind_the_last_file(|bytes: &mut Vec<u8>| { let at = bytes.len() - 30; bytes[at] ^= 0x55 })]
#[case::cut_short(|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 20))]
fn a_damaged_tarball_is_noticed_to_its_end(#[case] harm: fn(&mut Vec<u8>)) {
    let files: [(&str, &[u8]); 3] =
        [("linux/Makefile", b"all:"), ("linux/Kconfig", b"#"), ("linux/arch/x86/Makefile", b"#")];
    let mut bytes = xz(&tarball(&files));
    harm(&mut bytes);
    assert!(unpacked("linux-7.3.4.tar.xz", &bytes).contains("cannot unpack"));
}

#[rstest]
#[case::up(deb("data.tar.xz", &xz(&tree(&[file("./usr/../../other/kept")]))), "leads outside")]
#[case::absolute(deb("data.tar", &tree(&[file("/other/kept")])), "leads outside")]
#[case::members_without_end(deb_of(&vec![("x", b"".as_slice()); 100]), "more members")]
#[case::a_member_name_of_terabytes(deb_of(&[("#1/9999999999999", b"x")]), "no data")]
#[case::cut_in_the_data({ let mut whole = deb("data.tar", &tree(&[])); whole.truncate(whole.len() - 512); whole }, "")]
#[case::something_behind_the_data(
    deb("data.tar.xz", &[xz(&tree(&[file("usr/src/README")])), b"more".to_vec()].concat()), "")]
#[case::of_another_kind(b"PK\x03\x04 is a ZIP archive".repeat(10), "no archive")]
#[case::an_rpm_that_is_none(b"\xed\xab\xee\xdb is an RPM".repeat(10), "a source RPM")]
fn a_hostile_package_is_refused_and_stays_in_its_folder(#[case] bytes: Vec<u8>, #[case] said: &str) {
    let text = unpacked("linux-source-7.3_7.3.4-1_all.deb", &bytes);
    assert!(text.contains("linux-source-7.3_7.3.4-1_all.deb") && text.contains(said), "{text}");
}

/// An archive of those members.
fn deb_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`", 0, 0, 0, 100_644).expect("in memory");
        bytes.extend_from_slice(content);
        bytes.extend(vec![b'\n'; size % 2]);
    }
    bytes
}

#[test]
fn a_place_that_leads_outside_is_refused_whoever_names_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let archive = dir.path().join("a.deb");
    fs::write(&archive, deb("data.tar", &tree(&[]))).expect("written");
    let wanted = |_: &Path| Some("../harm".into());
    let error = unpack::package_files(&archive, &dir.path().join("dest"), &wanted, &mut Silent);
    assert!(matches!(error, Err(UnpackError::Escape { .. })), "{error:?}");
}

#[test]
fn a_long_name_within_bounds_is_taken() {
    // 200 bytes are beyond what a header holds by itself.
    let name = format!("linux/{}\0", "n".repeat(200));
    let long = [entry(EntryType::GNULongName, "././@LongLink", "", name.as_bytes()), file("linux/n")];
    let bytes = tree(&[file("linux/Kconfig"), file("linux/arch/x86/Makefile"), long.concat()]);
    let dir = tempfile::tempdir().expect("a directory");
    let archive = dir.path().join("a.tar");
    fs::write(&archive, bytes).expect("written");
    fs::create_dir(dir.path().join("dest")).expect("made");
    let tree = unpack::kernel_tree(&archive, &dir.path().join("dest"), &mut Silent).expect("a tree");
    assert!(tree.join("n".repeat(200)).is_file());
}
