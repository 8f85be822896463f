//! What a Debian package says of itself: the fields of its control file. (deb-control(5).)
//!
//! Reads a package up to there; unpacks nothing to the disk.

use std::io::{self, Read};
use std::path::Path;

use crate::deb;
use crate::unpack::decoder;

/// The most that a package's own files unpack to, in bytes: ten times the lists of sums of a kernel's.
const LARGEST: u64 = 16 << 20;
/// The longest control file, in bytes.
const LONGEST: u64 = 64 << 10;
/// The most files beside the control file.
const MOST_FILES: usize = 64;

/// The fields that are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    /// The source package, where it is called otherwise.
    pub(crate) source: Option<String>,
}

/// Reads the control file of a package.
///
/// # Errors
/// What is no package, is damaged, or says sizes beyond the constants.
pub(crate) fn read(input: impl Read) -> io::Result<Control> {
    let Some((name, member)) = deb::control(input)? else {
        return Err(bad("no control file in this package; is it a Debian package?"));
    };
    let files = decoder(Path::new(&name), member)?.take(LARGEST);
    let mut archive = tar::Archive::new(files);
    for entry in archive.entries()?.take(MOST_FILES) {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        if path.strip_prefix(".").unwrap_or(&path) != Path::new("control") {
            continue;
        }
        let mut text = String::new();
        entry.take(LONGEST).read_to_string(&mut text)?;
        return parse(&text);
    }
    Err(bad("no control file in this package"))
}

fn parse(text: &str) -> io::Result<Control> {
    let field = |name: &str| {
        let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned());
        text.lines().find_map(value)
    };
    let wanted = |name: &str| field(name).ok_or_else(|| bad(&format!("its control file has no {name}")));
    Ok(Control {
        package: wanted("Package")?,
        version: wanted("Version")?,
        architecture: wanted("Architecture")?,
        source: field("Source"),
    })
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_control_file_are_found_in_any_order() {
        let text = "Package: linux-image-7.3\nSource: linux (7.3.4-1)\nPackager: x\nVersion: 1:7.3.4-1\n\
                    Description: a kernel\n Version: of another\nArchitecture: amd64\n";
        let control = parse(text).expect("whole");
        assert_eq!(control.package, "linux-image-7.3");
        assert_eq!((control.version.as_str(), control.architecture.as_str()), ("1:7.3.4-1", "amd64"));
        assert_eq!(control.source.as_deref(), Some("linux (7.3.4-1)"));
    }

    #[test]
    fn a_control_file_without_a_version_is_refused() {
        let error = parse("Package: linux\n").expect_err("no version").to_string();
        assert!(error.contains("no Version"), "{error}");
    }
}
