//! A Debian package as an archive: its members, up to the one that is wanted. (deb(5), ar(5).)
//!
//! Such archives have short names only, so nothing in one decides how much memory is taken. Decompresses nothing.

use std::io::{self, Read, Take};

use object::archive::{Header, MAGIC, TERMINATOR};
use object::pod;

/// The most members that are looked at: a package has three, and a signed one a few more.
pub(crate) const MOST_MEMBERS: usize = 16;

/// The word that every archive begins with.
pub(crate) const MAGIC_WORD: &[u8] = &MAGIC;

/// The member that holds a package's files: its name, which says how it is packed, and its bytes. Nothing where there
/// is none.
///
/// # Errors
/// What is no archive, is cut short, or has members without end.
pub(crate) fn data<R: Read>(input: R) -> io::Result<Option<(String, Take<R>)>> {
    member(input, "data.tar")
}

/// The member that holds what a package says of itself, as [`data`].
///
/// # Errors
/// As [`data`].
pub(crate) fn control<R: Read>(input: R) -> io::Result<Option<(String, Take<R>)>> {
    member(input, "control.tar")
}

fn member<R: Read>(mut input: R, wanted: &str) -> io::Result<Option<(String, Take<R>)>> {
    let mut magic = [0; MAGIC.len()];
    input.read_exact(&mut magic).map_err(|_| bad("shorter than the first word of an archive"))?;
    if magic != MAGIC {
        return Err(bad("no archive, which would begin with !<arch>"));
    }
    for _ in 0..MOST_MEMBERS {
        let mut bytes = [0; size_of::<Header>()];
        if !read_or_end(&mut input, &mut bytes)? {
            return Ok(None);
        }
        let (header, _) =
            pod::from_bytes::<Header>(&bytes).map_err(|()| bad("a header that is cut short"))?;
        let name = String::from_utf8_lossy(&header.name).trim_end().trim_end_matches('/').to_owned();
        let size =
            std::str::from_utf8(&header.size).ok().and_then(|text| text.trim_end().parse::<u64>().ok());
        let Some(size) = size.filter(|_| header.terminator == TERMINATOR) else {
            return Err(bad("a damaged header of a member"));
        };
        if name.starts_with(wanted) {
            return Ok(Some((name, input.take(size))));
        }
        // Members begin at even places.
        let padded = size + size % 2;
        if io::copy(&mut Read::by_ref(&mut input).take(padded), &mut io::sink())? < size {
            return Err(bad("cut short within a member"));
        }
    }
    Err(bad("more members than a package has"))
}

/// Fills `bytes`, or says that there was nothing more.
fn read_or_end(input: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    let first = Read::by_ref(input).take(1).read(&mut bytes[..1])?;
    if first == 0 {
        return Ok(false);
    }
    input.read_exact(&mut bytes[1..]).map_err(|_| bad("cut short within a member's header"))?;
    Ok(true)
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn member(name: &str, size: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644).into_bytes();
        bytes.extend(content);
        bytes
    }

    fn archive(members: &[Vec<u8>]) -> Vec<u8> {
        [MAGIC.to_vec(), members.concat()].concat()
    }

    #[test]
    fn the_data_are_found_behind_members_of_odd_and_even_sizes() {
        let bytes = archive(&[
            member("debian-binary", "4", b"2.0\n"),
            member("control.tar", "3", b"abc\n"),
            member("data.tar.xz/", "5", b"12345 and more"),
        ]);
        let (name, mut data) = data(bytes.as_slice()).expect("a package").expect("with data");
        let mut content = Vec::new();
        data.read_to_end(&mut content).expect("read");
        assert_eq!((name.as_str(), content.as_slice()), ("data.tar.xz", b"12345".as_slice()));
    }

    #[test]
    fn a_package_may_have_no_data() {
        assert!(
            data(archive(&[member("debian-binary", "4", b"2.0\n")]).as_slice())
                .expect("an archive")
                .is_none()
        );
    }

    #[rstest]
    #[case::nothing(b"", "shorter")]
    #[case::something_else(b"PK\x03\x04 and so on", "no archive")]
    #[case::cut_in_a_header(&archive(&[member("debian-binary", "4", b"")])[..40], "member's header")]
    #[case::cut_in_a_member(&archive(&[member("debian-binary", "400", b"2.0\n")]), "within a member")]
    #[case::no_size(&archive(&[member("debian-binary", "-1", b"")]), "damaged header")]
    #[case::no_terminator(&archive(&[[b' '; 60].to_vec()]), "damaged header")]
    // ar's form for long names, which would have the reader take ten terabytes.
    #[case::a_name_of_terabytes(&archive(&[member("#1/9999999999999", "10", b"")]), "within a member")]
    #[case::a_table_of_gigabytes(&archive(&[member("//", "9999999999", b"")]), "within a member")]
    #[case::without_end(&archive(&vec![member("x", "0", b""); MOST_MEMBERS + 1]), "more members")]
    fn what_is_no_package_is_refused(#[case] bytes: &[u8], #[case] why: &str) {
        let error = data(bytes).expect_err("no package").to_string();
        assert!(error.contains(why), "{error}");
    }
}
