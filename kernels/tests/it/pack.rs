//! Packages made of files: a Debian package, and an RPM.

use std::io::Write;

use cpio::newc::{Builder, ModeFileType, trailer};

/// A path in a package, and what lies there.
pub(crate) type File = (String, Vec<u8>);

/// A tar archive of regular files.
pub(crate) fn tarball(files: &[File]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // Set as bytes: the tar crate refuses to write the paths that a hostile archive has.
        header.as_gnu_mut().expect("a GNU header").name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, content.as_slice()).expect("appended");
    }
    archive.into_inner().expect("an archive")
}

/// A Debian package of that name, 7.3.4-1, with this member for its files.
pub(crate) fn deb_of(name: &str, architecture: &str, data_name: &str, data: &[u8]) -> Vec<u8> {
    let control = format!(
        "Package: {name}\nSource: linux\nVersion: 7.3.4-1\nArchitecture: {architecture}\nDescription: a kernel\n"
    );
    let own = [("./md5sums".to_owned(), Vec::new()), ("./control".to_owned(), control.into_bytes())];
    let mut archive = ar::Builder::new(Vec::new());
    let mut add = |name: &str, content: &[u8]| {
        let header = ar::Header::new(name.as_bytes().to_vec(), content.len() as u64);
        archive.append(&header, content).expect("appended");
    };
    add("debian-binary", b"2.0\n");
    add("control.tar.zst", &zstd::encode_all(tarball(&own).as_slice(), 1).expect("packed"));
    add(data_name, data);
    archive.into_inner().expect("an archive")
}

/// One entry of a cpio archive.
pub(crate) fn entry(name: &str, kind: ModeFileType, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let entry = Builder::new(name).mode(0o644).set_mode_file_type(kind);
    let mut writer = entry.write(&mut bytes, content.len() as u32);
    writer.write_all(content).and_then(|()| writer.finish()).expect("in memory");
    bytes
}

/// A cpio archive of regular files.
pub(crate) fn cpio(files: &[File]) -> Vec<u8> {
    let entries = files.iter().map(|(name, bytes)| entry(name, ModeFileType::Regular, bytes));
    trailer(entries.collect::<Vec<_>>().concat()).expect("in memory")
}

/// An RPM of that name, 7.3.4-1.fc45, with this payload. (rpm's docs/manual/format_v4.md.)
pub(crate) fn rpm_of(name: &str, architecture: &str, compressor: &str, payload: &[u8]) -> Vec<u8> {
    let header = |texts: &[(u32, &str)]| {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, text) in texts {
            let entry = [*tag, 6, store.len() as u32, 1];
            index.extend(entry.iter().flat_map(|word| word.to_be_bytes()));
            store.extend([text.as_bytes(), b"\0"].concat());
        }
        let sizes = [texts.len() as u32, store.len() as u32].map(u32::to_be_bytes).concat();
        [vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0], sizes, index, store].concat()
    };
    let mut bytes = vec![0; 96];
    bytes[..4].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb]);
    bytes.extend(header(&[(1000, "signature")]));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(header(&[
        (1000, name),
        (1001, "7.3.4"),
        (1002, "1.fc45"),
        (1022, architecture),
        (1124, "cpio"),
        (1125, compressor),
    ]));
    bytes.extend(payload);
    bytes
}
