//! Packages that the user names: which they are, and what they say of themselves.
//!
//! Reads their heads and unpacks nothing; a file that is no package for x86-64 is refused by its name.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{beside, control};
use crate::deb;
use crate::digest;
use crate::rpm;

/// The most packages that are one kernel.
const MOST: usize = 16;
/// The longest name or version of a package, in bytes.
const LONGEST: usize = 128;
/// What packages for x86-64 say of their architecture, or for any.
const ARCHITECTURES: [&str; 4] = ["amd64", "x86_64", "all", "noarch"];

/// One package on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its file.
    pub path: PathBuf,
    /// Its name and version, as its packager tells two of them apart: `NAME=VERSION` of Debian's, and
    /// `NAME-VERSION-RELEASE.ARCHITECTURE` of an RPM.
    pub title: String,
    /// The kernel's version as the packager has it: without epoch.
    pub version: String,
    /// The source package, where it names one.
    pub source: Option<String>,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

/// The packages of one kernel: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// What the user wrote.
    pub word: String,
    /// In the order in which they were named, then those that were found beside.
    pub all: Vec<Package>,
}

/// Why files are no packages of a kernel.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file that is not there.
    #[error("{word}: there is no file {part}; write deb:FILE or rpm:FILE, several with a comma between them")]
    NotThere {
        /// What the user wrote.
        word: String,
        /// What is no file.
        part: String,
    },
    /// A file or directory that cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is no package, or none that can be tested here.
    #[error("{}: {why}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// No kernel is installed here, or not all of it can be read.
    #[error("{word}: {why}")]
    NotInstalled {
        /// What the user wrote.
        word: String,
        /// What is not there, and what to do.
        why: String,
    },
}

impl Packages {
    /// The packages that `list` names; where that is one, those that lie beside it and belong to it too.
    ///
    /// # Errors
    /// [`PackageError`]; a package for another architecture is one of them.
    pub(crate) fn named(word: &str, list: &str) -> Result<Self, PackageError> {
        let mut files = files(list).map_err(|part| PackageError::NotThere { word: word.to_owned(), part })?;
        if let [one] = files.as_slice() {
            let found = beside::find(one).map_err(|source| PackageError::Read {
                path: one.parent().unwrap_or(one).to_owned(),
                source,
            })?;
            files.extend(found);
        }
        if files.len() > MOST {
            let why = format!("{} packages are named, and one kernel has {MOST} at most", files.len());
            return Err(PackageError::Unfit { path: files.swap_remove(0), why });
        }
        let all = files.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { word: word.to_owned(), all })
    }

    /// What the kernel is called in reports: name and version of the package that was named first.
    pub(crate) fn title(&self) -> &str {
        self.all.first().map_or(&self.word, |package| &package.title)
    }

    /// The kernel's version as its packager has it.
    pub(crate) fn version(&self) -> &str {
        self.all.first().map_or("", |package| &package.version)
    }

    /// What decides what comes out of them.
    pub(crate) fn state(&self) -> String {
        let of = |package: &Package| format!("{} {}", package.title, package.sha256);
        self.all.iter().map(of).collect::<Vec<_>>().join(", ")
    }

    /// Each with its file, its source and its digest, for a report.
    pub(crate) fn provenance(&self) -> Vec<String> {
        let of = |package: &Package| {
            let file = package.path.file_name().unwrap_or_default().to_string_lossy();
            let source =
                package.source.as_ref().map(|source| format!(", source {source}")).unwrap_or_default();
            format!("{} ({file}{source}, sha256 {})", package.title, package.sha256)
        };
        self.all.iter().map(of).collect()
    }
}

/// The files of a list, with a comma or a plus between them. Names have pluses too: what is longest and is a file is
/// one. What is none is the error.
fn files(list: &str) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let signs = rest.char_indices().filter(|(_, c)| matches!(c, ',' | '+')).map(|(at, _)| at);
        let mut ends: Vec<_> = signs.chain([rest.len()]).collect();
        ends.reverse();
        let is_file = |end: &usize| Path::new(&rest[..*end]).is_file();
        let end = ends.into_iter().find(is_file).ok_or_else(|| rest.to_owned())?;
        files.push(PathBuf::from(&rest[..end]));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    if files.is_empty() { Err(list.to_owned()) } else { Ok(files) }
}

/// What a package says of itself.
fn read(path: PathBuf) -> Result<Package, PackageError> {
    let failed = |source| PackageError::Read { path: path.clone(), source };
    let unfit = |why: String| PackageError::Unfit { path: path.clone(), why };
    let mut input = BufReader::new(File::open(&path).map_err(failed)?);
    let mut magic = Vec::new();
    Read::by_ref(&mut input).take(deb::MAGIC_WORD.len() as u64).read_to_end(&mut magic).map_err(failed)?;
    let is_rpm = magic.starts_with(&rpm::MAGIC);
    let is_deb = magic == deb::MAGIC_WORD;
    let mut input = io::Cursor::new(magic).chain(input);
    let refused = |error: io::Error| unfit(error.to_string());
    let (title, version, architecture, source) = if is_rpm {
        let head = rpm::head(&mut input).map_err(refused)?;
        let title = format!("{}-{}-{}.{}", head.name, head.version, head.release, head.architecture);
        (title, head.version, head.architecture, head.source)
    } else if is_deb {
        let control = control::read(input).map_err(refused)?;
        let version = control.version.split_once(':').map_or(&*control.version, |(_, rest)| rest).to_owned();
        let title = format!("{}={}", control.package, control.version);
        (title, version, control.architecture, control.source)
    } else {
        return Err(unfit("it is neither a Debian package nor an RPM".to_owned()));
    };
    let plain = |text: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-.:~_^=() ".contains(c);
        (1..=LONGEST).contains(&text.len()) && text.chars().all(is_plain)
    };
    if let Some(odd) =
        [Some(&title), Some(&architecture), source.as_ref()].into_iter().flatten().find(|t| !plain(t))
    {
        return Err(unfit(format!("{odd:?} is no name, version or architecture of a package")));
    }
    if !ARCHITECTURES.contains(&architecture.as_str()) {
        let why = format!("it is for {architecture}; only kernels for x86-64 (amd64) are run here");
        return Err(unfit(why));
    }
    let sha256 = digest::of_file(&path).map_err(failed)?;
    Ok(Package { path: std::path::absolute(&path).unwrap_or(path), title, version, source, sha256 })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one("a+deb13_1.deb", &["a+deb13_1.deb"])]
    #[case::a_comma("a+deb13_1.deb,b.deb", &["a+deb13_1.deb", "b.deb"])]
    #[case::a_plus("b.deb+a+deb13_1.deb", &["b.deb", "a+deb13_1.deb"])]
    fn a_list_of_files_has_commas_or_pluses_between_them(#[case] list: &str, #[case] expected: &[&str]) {
        let dir = tempfile::tempdir().expect("a directory");
        let place = |name: &str| format!("{}/{name}", dir.path().display());
        for name in ["a+deb13_1.deb", "b.deb"] {
            fs::write(place(name), "").expect("written");
        }
        let list = list.replace("a+deb13", &place("a+deb13")).replace("b.deb", &place("b.deb"));
        let expected: Vec<_> = expected.iter().map(|name| PathBuf::from(place(name))).collect();
        assert_eq!(files(&list), Ok(expected));
    }

    #[test]
    fn what_is_no_file_is_named() {
        assert_eq!(files("no/such.deb,b"), Err("no/such.deb,b".to_owned()));
        assert_eq!(files(""), Err(String::new()));
    }
}
