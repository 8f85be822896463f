//! Lays out the guest's first and only file system: a newc cpio archive in memory.
//!
//! Owns names, modes and order of its entries. The same agent and modules give the same bytes.
//! Reads module files, writes none. (Format: Documentation/driver-api/early-userspace/buffer-format.rst.)

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cpio::newc::{Builder, ModeFileType, trailer};

/// Why an initramfs could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InitramfsError {
    /// A module could not be read.
    #[error("kernel module {path}: cannot be read")]
    Module {
        /// The module.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("{path}: cannot be read, and the guest wants it")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A module's name does not tell what it is.
    #[error("kernel module {path}: no .ko, .ko.xz, .ko.zst or .ko.gz")]
    NotAModule {
        /// The file.
        path: PathBuf,
    },
}

/// Directories that the kernel or the agent wants to find.
const DIRECTORIES: [&str; 6] = ["dev", "modules", "proc", "run", "sys", "tmp"];

/// The endings of the files that `finit_module(2)` takes.
const MODULES: [&str; 4] = [".ko", ".ko.xz", ".ko.zst", ".ko.gz"];

/// An archive with `/init`, `/dev/console`, `/dev/null` and the modules in the order given: `/modules/NN-name.ko…`,
/// and `/modules/order` with one name a line. Then the files, each where the first of its paths says.
pub fn build(
    init: &[u8],
    modules: &[PathBuf],
    files: &[(PathBuf, PathBuf)],
) -> Result<Vec<u8>, InitramfsError> {
    let mut archive = Archive { bytes: Vec::with_capacity(init.len() + 4096), entries: 0 };
    for directory in DIRECTORIES {
        archive.add(directory, ModeFileType::Directory, 0o755, &[]);
    }
    // The kernel opens the first for PID 1 before anyone could mount devtmpfs; where there is no console
    // the agent's runtime wants the second in its place.
    archive.node("dev/console", 0o600, 5, 1);
    archive.node("dev/null", 0o666, 1, 3);
    archive.add("init", ModeFileType::Regular, 0o755, init);
    let mut order = String::new();
    for (number, path) in modules.iter().enumerate() {
        let name = format!("{number:02}-{}", module_name(path)?);
        let bytes = fs::read(path).map_err(|source| InitramfsError::Module { path: path.clone(), source })?;
        archive.add(&format!("modules/{name}"), ModeFileType::Regular, 0o644, &bytes);
        order.push_str(&name);
        order.push('\n');
    }
    archive.add("modules/order", ModeFileType::Regular, 0o644, order.as_bytes());
    let mut made = BTreeSet::new();
    for (place, source) in files {
        let place = place.strip_prefix("/").unwrap_or(place);
        let mut above: Vec<_> = place.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty()).collect();
        above.reverse();
        for dir in above.into_iter().filter(|dir| made.insert(dir.to_path_buf())) {
            archive.add(&dir.to_string_lossy(), ModeFileType::Directory, 0o755, &[]);
        }
        let read = |error| InitramfsError::File { path: source.clone(), source: error };
        let bytes = fs::read(source).map_err(read)?;
        archive.add(&place.to_string_lossy(), ModeFileType::Regular, 0o755, &bytes);
    }
    Ok(trailer(archive.bytes).expect("memory takes everything"))
}

fn module_name(path: &Path) -> Result<&str, InitramfsError> {
    path.file_name()
        .and_then(|name| name.to_str())
        .filter(|name| MODULES.iter().any(|ending| name.ends_with(ending)))
        .ok_or_else(|| InitramfsError::NotAModule { path: path.to_owned() })
}

struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn add(&mut self, name: &str, kind: ModeFileType, mode: u32, content: &[u8]) {
        let entry = self.entry(name, kind, mode);
        self.write(entry, content);
    }

    fn node(&mut self, name: &str, mode: u32, major: u32, minor: u32) {
        let entry = self.entry(name, ModeFileType::Char, mode).rdev_major(major).rdev_minor(minor);
        self.write(entry, &[]);
    }

    /// Inode numbers have to differ, or two files would be taken for links to one.
    fn entry(&mut self, name: &str, kind: ModeFileType, mode: u32) -> Builder {
        self.entries += 1;
        Builder::new(name).ino(self.entries).mode(mode).set_mode_file_type(kind)
    }

    fn write(&mut self, entry: Builder, content: &[u8]) {
        let size = u32::try_from(content.len()).expect("no module and no agent has 4 GiB");
        let mut writer = entry.write(&mut self.bytes, size);
        writer.write_all(content).and_then(|()| writer.finish()).expect("memory takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cpio::newc::Reader;
    use rstest::rstest;

    fn entries(mut archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut found = Vec::new();
        loop {
            let reader = Reader::new(archive).unwrap();
            if reader.entry().is_trailer() {
                return found;
            }
            let (name, mode) = (reader.entry().name().to_owned(), reader.entry().mode());
            let mut content = Vec::new();
            archive = reader.to_writer(&mut content).unwrap();
            found.push((name, mode, content));
        }
    }

    #[test]
    fn init_is_executable_and_whole() {
        let found = entries(&build(b"agent", &[], &[]).unwrap());
        assert!(found.contains(&("init".into(), 0o100755, b"agent".to_vec())), "{found:?}");
    }

    #[test]
    fn the_console_node_is_there_before_anything_is_mounted() {
        let archive = build(b"agent", &[], &[]).unwrap();
        let console = entries(&archive).into_iter().find(|(name, ..)| name == "dev/console").unwrap();
        assert_eq!(console.1, 0o020600);
    }

    #[test]
    fn a_file_is_where_it_was_asked_for_below_directories_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("cxl");
        fs::write(&source, "program").unwrap();
        let files = ["/usr/bin/cxl", "/usr/lib/cxl.so"].map(|place| (place.into(), source.clone()));
        let found = entries(&build(b"agent", &[], &files).unwrap());
        let modes: Vec<_> =
            found.iter().filter(|e| e.0.starts_with("usr")).map(|e| (e.0.as_str(), e.1)).collect();
        assert_eq!(
            modes,
            [
                ("usr", 0o040755),
                ("usr/bin", 0o040755),
                ("usr/bin/cxl", 0o100755),
                ("usr/lib", 0o040755),
                ("usr/lib/cxl.so", 0o100755)
            ]
        );
    }

    #[test]
    fn modules_keep_their_order_and_their_compression() {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["fwctl.ko.xz", "cxl_core.ko"].map(|n| dir.path().join(n)).into();
        for path in &paths {
            fs::write(path, path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let found = entries(&build(b"agent", &paths, &[]).unwrap());
        let content = |name: &str| &found.iter().find(|(n, ..)| n == name).unwrap().2[..];
        assert_eq!(content("modules/order"), b"00-fwctl.ko.xz\n01-cxl_core.ko\n");
        assert_eq!(content("modules/00-fwctl.ko.xz"), b"fwctl.ko.xz");
        assert_eq!(content("modules/01-cxl_core.ko"), b"cxl_core.ko");
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        assert_eq!(build(b"agent", &[], &[]).unwrap(), build(b"agent", &[], &[]).unwrap());
    }

    #[rstest]
    #[case::not_there("gone.ko", "gone.ko")]
    #[case::no_module("readme.txt", "readme.txt")]
    fn a_bad_module_is_named(#[case] name: &str, #[case] named: &str) {
        let error = build(b"agent", &[PathBuf::from(name)], &[]).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
}
