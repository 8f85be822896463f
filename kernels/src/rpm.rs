//! An RPM package as far as it is needed: what it is called, and where its files begin. (The "RPM V4 package format" of
//! rpm's own documentation, docs/manual/format_v4.md; the tags are those of its include/rpm/rpmtag.h.)
//!
//! The crate `rpm` takes what a header says of its sizes for true; here the constants bound it. Decompresses nothing.

use std::io::{self, Read};

/// The word that every package begins with.
pub(crate) const MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
/// The bytes of the lead, which says nothing that is still true but what kind of package it is.
const LEAD: usize = 96;
/// Where the lead has the kind: 0 is binary, 1 is source.
const KIND: usize = 6;
/// What a header begins with, its version in the last byte.
const HEADER: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
/// The bytes of a header's intro and of one entry of its index.
const INTRO: usize = 16;
const ENTRY: usize = 16;
/// Headers begin at multiples of this.
const ALIGNMENT: u64 = 8;
/// The most entries of a header's index: ten times those of a kernel's package.
const MOST_ENTRIES: u32 = 1 << 12;
/// The most bytes that a header's entries share: ten times what the names of a kernel's modules take.
const LARGEST_STORE: u32 = 64 << 20;
/// The longest text that is taken from a header, in bytes.
const LONGEST: usize = 256;

/// Tags of the header.
const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const ARCHITECTURE: u32 = 1022;
const SOURCE: u32 = 1044;
const PAYLOAD_FORMAT: u32 = 1124;
const PAYLOAD_COMPRESSOR: u32 = 1125;
/// Types of an entry that hold one text, or one first.
const TEXTS: [u32; 3] = [6, 8, 9];

/// What a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) architecture: String,
    /// The file name of the source package, where it is named.
    pub(crate) source: Option<String>,
    /// How the files are packed, as the ending of a file that is packed so: `.xz`, `.zst`, `.gz`, or nothing.
    pub(crate) packed: &'static str,
}

/// Reads a package up to where its files begin.
///
/// # Errors
/// What is no binary package, is cut short, says sizes beyond the constants, or packs its files in a way that is not
/// known.
pub(crate) fn head(input: &mut impl Read) -> io::Result<Head> {
    let mut lead = [0; LEAD];
    input.read_exact(&mut lead).map_err(|_| bad("shorter than the lead of an RPM"))?;
    if lead[..4] != MAGIC {
        return Err(bad("no RPM, which would begin with ed ab ee db"));
    }
    if lead[KIND..KIND + 2] != [0, 0] {
        return Err(bad("a source RPM; give a binary one"));
    }
    let signature = header(input)?;
    let padding = (signature.length() as u64).next_multiple_of(ALIGNMENT) - signature.length() as u64;
    io::copy(&mut input.take(padding), &mut io::sink())?;
    let header = header(input)?;
    let wanted = |tag, what: &str| header.text(tag)?.ok_or_else(|| bad(&format!("it names no {what}")));
    let format = header.text(PAYLOAD_FORMAT)?.unwrap_or_else(|| "cpio".to_owned());
    if format != "cpio" {
        return Err(bad("its files are in no cpio archive"));
    }
    let compressor = header.text(PAYLOAD_COMPRESSOR)?.unwrap_or_else(|| "gzip".to_owned());
    let packed = match compressor.as_str() {
        "xz" => ".xz",
        "zstd" => ".zst",
        "gzip" => ".gz",
        "none" => "",
        _ => return Err(bad("its files are packed neither by xz, zstd nor gzip")),
    };
    Ok(Head {
        name: wanted(NAME, "name")?,
        version: wanted(VERSION, "version")?,
        release: wanted(RELEASE, "release")?,
        architecture: wanted(ARCHITECTURE, "architecture")?,
        source: header.text(SOURCE)?,
        packed,
    })
}

/// A header: its index, and the bytes that the entries point into.
struct Header {
    index: Vec<u8>,
    store: Vec<u8>,
}

fn header(input: &mut impl Read) -> io::Result<Header> {
    let cut = |_| bad("cut short within a header");
    let mut intro = [0; INTRO];
    input.read_exact(&mut intro).map_err(cut)?;
    if intro[..4] != HEADER {
        return Err(bad("a damaged header"));
    }
    let (entries, store) = (word(&intro, 8), word(&intro, 12));
    if entries > MOST_ENTRIES || store > LARGEST_STORE {
        return Err(bad("a header that is larger than any package's"));
    }
    let mut whole = |count: u64| {
        let mut bytes = Vec::new();
        input.take(count).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == count { Ok(bytes) } else { Err(bad("cut short within a header")) }
    };
    let index = whole(u64::from(entries) * ENTRY as u64)?;
    Ok(Header { index, store: whole(u64::from(store))? })
}

impl Header {
    /// Its bytes in the file.
    fn length(&self) -> usize {
        INTRO + self.index.len() + self.store.len()
    }

    /// The text of a tag, or the first of its texts. Nothing where there is no such tag.
    fn text(&self, tag: u32) -> io::Result<Option<String>> {
        let Some(entry) = self.index.chunks_exact(ENTRY).find(|entry| word(entry, 0) == tag) else {
            return Ok(None);
        };
        let text = |from: usize| {
            let rest = self.store.get(from..).filter(|_| TEXTS.contains(&word(entry, 4)))?;
            let end = rest.iter().take(LONGEST).position(|&byte| byte == 0)?;
            String::from_utf8(rest[..end].to_vec()).ok()
        };
        let found = usize::try_from(word(entry, 8)).ok().and_then(text);
        found.map(Some).ok_or_else(|| bad(&format!("a damaged entry {tag} of its header")))
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A header with these texts.
    fn header_of(texts: &[(u32, &str)]) -> Vec<u8> {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, text) in texts {
            let entry = [*tag, 6, store.len() as u32, 1];
            index.extend(entry.iter().flat_map(|word| word.to_be_bytes()));
            store.extend(text.as_bytes());
            store.push(0);
        }
        let sizes = [texts.len() as u32, store.len() as u32];
        let mut bytes = [HEADER.as_slice(), &[0; 4]].concat();
        bytes.extend(sizes.iter().flat_map(|word| word.to_be_bytes()));
        [bytes, index, store].concat()
    }

    /// A package of that name with this payload.
    fn rpm(name: &str, architecture: &str, compressor: &str, payload: &[u8]) -> Vec<u8> {
        let mut lead = vec![0; LEAD];
        lead[..4].copy_from_slice(&MAGIC);
        let mut signature = header_of(&[(1000, "a signature of odd length")]);
        signature.resize(signature.len().next_multiple_of(8), 0);
        let head = header_of(&[
            (NAME, name),
            (VERSION, "7.3.4"),
            (RELEASE, "1"),
            (ARCHITECTURE, architecture),
            (SOURCE, "kernel-7.3.4-1.src.rpm"),
            (PAYLOAD_FORMAT, "cpio"),
            (PAYLOAD_COMPRESSOR, compressor),
        ]);
        [lead, signature, head, payload.to_vec()].concat()
    }

    #[test]
    fn what_a_package_is_called_is_read_and_its_files_come_next() {
        let bytes = rpm("kernel-core", "x86_64", "zstd", b"the files");
        let mut input = bytes.as_slice();
        let head = head(&mut input).expect("a package");
        assert_eq!((head.name.as_str(), head.version.as_str()), ("kernel-core", "7.3.4"));
        assert_eq!((head.release.as_str(), head.architecture.as_str()), ("1", "x86_64"));
        assert_eq!((head.source.as_deref(), head.packed), (Some("kernel-7.3.4-1.src.rpm"), ".zst"));
        assert_eq!(input, b"the files");
    }

    /// Where the main header of [`rpm`] begins.
    fn main_header(bytes: &[u8]) -> usize {
        bytes.windows(4).rposition(|four| four == HEADER).expect("a header")
    }

    #[rstest]
    #[case::nothing(|_| Vec::new(), "shorter")]
    #[case::something_else(|_| vec![0x21; 200], "no RPM")]
    #[case::source(|mut b: Vec<u8>| { b[7] = 1; b }, "a source RPM")]
    #[case::cut_in_the_lead(|b: Vec<u8>| b[..50].to_vec(), "shorter")]
    #[case::cut_in_the_signature(|b: Vec<u8>| b[..110].to_vec(), "cut short")]
    #[case::cut_in_the_header(|b: Vec<u8>| b[..b.len() - 20].to_vec(), "cut short")]
    #[case::no_header(|mut b: Vec<u8>| { b[96] = 0; b }, "damaged header")]
    #[case::entries_without_end(
        |mut b: Vec<u8>| { let at = main_header(&b) + 8; b[at] = 0xff; b }, "larger than any")]
    #[case::a_store_of_gigabytes(
        |mut b: Vec<u8>| { let at = main_header(&b) + 12; b[at] = 0xff; b }, "larger than any")]
    #[case::a_text_beyond_the_store(
        |mut b: Vec<u8>| { let at = main_header(&b) + 16 + 8; b[at] = 0xff; b }, "damaged entry 1000")]
    #[case::a_number_for_a_name(
        |mut b: Vec<u8>| { let at = main_header(&b) + 16 + 7; b[at] = 4; b }, "damaged entry 1000")]
    #[case::no_name(
        |mut b: Vec<u8>| { let at = main_header(&b) + 16 + 3; b[at] = 0; b }, "names no name")]
    fn what_is_no_package_is_refused(#[case] harm: fn(Vec<u8>) -> Vec<u8>, #[case] why: &str) {
        let bytes = harm(rpm("kernel-core", "x86_64", "zstd", b""));
        let error = head(&mut bytes.as_slice()).expect_err("no package").to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn a_way_of_packing_that_nobody_knows_is_refused() {
        let bytes = rpm("kernel-core", "x86_64", "lzma", b"");
        let error = head(&mut bytes.as_slice()).expect_err("lzma").to_string();
        assert!(error.contains("neither by xz"), "{error}");
    }
}
