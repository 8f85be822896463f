//! The manifest of one kernel: what it can say, and what can be wrong with it.
//!
//! Holds the meaning; the form in TOML is in `form`. Looks at no path that a manifest names.

mod form;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use scrubjay_host::input::read_text;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, Fragment};
use crate::image::Image;
use crate::package::{Installed, Packages};
use crate::series::Series;

/// One kernel of the matrix, as its manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The stem of the manifest's file name: what `--kernel` takes.
    pub id: String,
    /// The manifest itself; relative paths in it start from its directory.
    pub path: PathBuf,
    /// The kernel's own version, as `uname -r` begins: `7.3.4`, `7.4.0-rc2`.
    pub version: String,
    /// Where it stands in the history of the ABI.
    pub history: Place,
    /// What to expect of fwctl on it.
    pub fwctl: Fwctl,
    /// How it is built; nothing for a kernel that comes as an image.
    pub config: Option<Config>,
    /// Where it comes from, in the order in which to try.
    pub sources: Vec<Source>,
}

/// A kernel's place in the history of releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The release series that it belongs to.
    pub release: Release,
    /// Whether its fwctl, CXL and EDAC code is the release's own, so that it is held to what its release carries.
    /// A vendor's backports make this false.
    pub unmodified: bool,
}

/// A release series such as `7.3`; ordered as the releases are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The number before the dot.
    pub major: u16,
    /// The number behind it.
    pub minor: u16,
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.parse::<u16>().ok().filter(|n| n.to_string() == part);
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self { major: number(major)?, minor: number(minor)? }))
            .ok_or_else(|| format!("`{text}` is no release series; write two numbers, such as \"7.3\""))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a kernel is expected to show of fwctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fwctl {
    /// `/dev/fwctl` is there for a device that offers user Features; where it is not, that is a break.
    Present,
    /// There is no fwctl on this kernel.
    Absent {
        /// Why not, in words for a report.
        reason: String,
    },
}

/// The compiler that builds a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compiler {
    /// GNU `gcc` with binutils.
    Gcc,
    /// `clang` with `LLVM=1`.
    Clang,
}

impl Compiler {
    /// The command's name.
    pub fn command(self) -> &'static str {
        match self {
            Self::Gcc => "gcc",
            Self::Clang => "clang",
        }
    }
}

/// How a kernel is configured and compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The config of the tree's own that the fragment is laid over, where there is one.
    pub own: Option<PathBuf>,
    /// The fragment's file, beside the manifest.
    pub fragment: PathBuf,
    /// Fragments that are laid over it, the later ones over the earlier.
    pub overlays: Vec<PathBuf>,
    /// The compiler.
    pub compiler: Compiler,
    /// Options of the fragment that this kernel does not have, each with the reason. One that takes effect
    /// nonetheless is an error, so that the list cannot go stale.
    pub absent: BTreeMap<String, String>,
    /// Whether an option that does not take effect stops nothing, because nobody has tried it in this tree; it is told
    /// ([`Config::without_effect`]).
    pub loose: bool,
    /// The modules that a guest loads; what they depend on is found by itself, built-in ones are left out.
    pub modules: Vec<String>,
    /// Whether what a module is built against is kept.
    pub keep_tree: bool,
}

impl Config {
    /// What is built with: the fragment with its overlays, over the tree's own config where there is one.
    ///
    /// # Errors
    /// A file that does not read.
    pub fn options(&self) -> Result<Fragment, ConfigError> {
        let wanted = self.wanted()?;
        Ok(match &self.own {
            Some(own) => Fragment::read(own)?.under(wanted),
            None => wanted,
        })
    }

    /// What has to be in effect: the fragment with its overlays.
    pub(crate) fn wanted(&self) -> Result<Fragment, ConfigError> {
        let fragment = Fragment::read(&self.fragment)?;
        self.overlays.iter().try_fold(fragment, |below, path| Ok(below.under(Fragment::read(path)?)))
    }

    /// The options of the fragment that are not as wanted in what was built, where that may be, each with the value
    /// wanted and the value found; none where the config is not known.
    pub fn without_effect(&self, image: &Image) -> Vec<String> {
        let Some(path) = image.config.as_ref().filter(|_| self.loose) else { return Vec::new() };
        let without = || {
            let text = std::fs::read_to_string(path).ok()?;
            self.wanted().and_then(|wanted| wanted.without_effect(path, &text, &self.absent)).ok()
        };
        without().unwrap_or_default()
    }

    /// Whether this is the fragment as it is, by the ordinary compiler: what an image is taken for that was built
    /// elsewhere.
    pub fn is_plain(&self) -> bool {
        !self.loose && self.overlays.is_empty() && self.compiler == Compiler::Gcc && !self.keep_tree
    }
}

/// Where a kernel comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A tarball under a full address.
    UpstreamTarball {
        /// Its address.
        url: String,
        /// Its SHA-256 in lower-case hexadecimal, where known.
        sha256: Option<String>,
    },
    /// A Debian source package (`linux-source-X.Y`), from the machine's own mirror.
    DebianSource(DebianPackage),
    /// Debian kernel packages, taken as they are.
    DebianImage {
        /// The packages that hold the image, its config and its modules.
        packages: Vec<DebianPackage>,
        /// The modules that a guest needs; what they depend on is found by itself, built-in ones are left out.
        modules: Vec<String>,
    },
    /// A kernel tree on this machine.
    LocalTree {
        /// Its directory.
        path: PathBuf,
    },
    /// A commit of a repository on this machine.
    Revision {
        /// The repository, or a work tree of it.
        repo: PathBuf,
        /// The commit.
        commit: String,
        /// What is applied to it.
        series: Option<Series>,
    },
    /// Another source with a series applied to it.
    Patched {
        /// The other.
        source: Box<Source>,
        /// The series.
        series: Series,
    },
    /// A bzImage on this machine.
    Prebuilt {
        /// The file.
        path: PathBuf,
    },
    /// A distribution's packages on this machine.
    Packages(Packages),
    /// A kernel that lies on this machine with its modules.
    Installed(Installed),
}

/// One Debian package in the archive's pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebianPackage {
    /// The binary package's name.
    pub package: String,
    /// Its full version.
    pub version: String,
    /// The architecture in the file's name: `all` or `amd64`.
    pub architecture: String,
    /// The source package, whose name is its folder in the pool.
    pub source: String,
    /// Its SHA-256 in lower-case hexadecimal, where known.
    pub sha256: Option<String>,
}

impl DebianPackage {
    /// The package's file name in the pool: the version without its epoch.
    pub fn file_name(&self) -> String {
        let version = self.version.split_once(':').map_or(self.version.as_str(), |(_, rest)| rest);
        format!("{}_{version}_{}.deb", self.package, self.architecture)
    }
}

impl Source {
    /// The source's kind, as a manifest writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UpstreamTarball { .. } => "upstream-tarball",
            Self::DebianSource(_) => "debian-source",
            Self::DebianImage { .. } => "debian-image",
            Self::LocalTree { .. } => "local-tree",
            Self::Revision { .. } => "revision",
            Self::Patched { .. } => "patched",
            Self::Prebuilt { .. } => "prebuilt",
            Self::Packages(_) => "packages",
            Self::Installed(_) => "installed",
        }
    }

    /// Whether something is compiled.
    pub fn is_built(&self) -> bool {
        match self {
            Self::UpstreamTarball { .. }
            | Self::DebianSource(_)
            | Self::LocalTree { .. }
            | Self::Revision { .. }
            | Self::Patched { .. } => true,
            Self::DebianImage { .. } | Self::Prebuilt { .. } | Self::Packages(_) | Self::Installed(_) => {
                false
            }
        }
    }

    /// The source in a few words, for a list.
    pub fn describe(&self) -> String {
        match self {
            Self::UpstreamTarball { url, .. } => url.clone(),
            Self::DebianSource(package) => format!("{} {}", package.package, package.version),
            Self::DebianImage { packages, .. } => {
                packages.first().map_or_else(String::new, |p| format!("{} {}", p.package, p.version))
            }
            Self::Revision { repo, commit, series } => {
                let series = series.as_ref().map(|series| format!(" with {}", series.path.display()));
                format!("{} at {commit}{}", repo.display(), series.unwrap_or_default())
            }
            Self::Patched { source, series } => {
                format!("{} with {}", source.describe(), series.path.display())
            }
            Self::LocalTree { path } | Self::Prebuilt { path } => path.display().to_string(),
            Self::Packages(packages) => packages.title().to_owned(),
            Self::Installed(kernel) => kernel.image.display().to_string(),
        }
    }
}

/// What is wrong with a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The directory of manifests cannot be read.
    #[error("cannot read the directory of kernel manifests {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The directory has no manifest in it.
    #[error("no kernel manifest (*.toml) in {}", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the kernel manifest {}", path.display())]
    Read {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that a manifest cannot say.
    #[error("{}:{line}: {what}", path.display())]
    Bad {
        /// The manifest.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what to write instead.
        what: String,
    },
    /// There is no manifest of that id.
    #[error("no kernel `{id}` in {}; there are: {known}", dir.display())]
    Unknown {
        /// What was asked for.
        id: String,
        /// Where it was looked for.
        dir: PathBuf,
        /// The ids that are there.
        known: String,
    },
}

/// The longest manifest that is read, in bytes.
const LONGEST: u64 = 1 << 20;

impl Manifest {
    /// Whether it is a kernel as a distribution ships it, which was not built here.
    pub fn is_shipped(&self) -> bool {
        matches!(self.sources.as_slice(), [Source::Packages(_) | Source::Installed(_)])
    }

    /// What the user wrote for packages, which are called something else.
    pub(crate) fn word(&self) -> Option<&str> {
        match self.sources.as_slice() {
            [Source::Packages(packages)] => Some(&packages.word),
            _ => None,
        }
    }

    /// Reads one manifest; its id is the file's stem.
    ///
    /// # Errors
    /// [`ManifestError::Read`] and [`ManifestError::Bad`].
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let text = read_text(path, LONGEST)
            .map_err(|error| ManifestError::Read { path: path.to_owned(), source: error.into() })?;
        Self::parse(path, &text)
    }

    /// As [`Manifest::read`], from a text at hand; the path gives the id and stands in the errors.
    ///
    /// # Errors
    /// [`ManifestError::Bad`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ManifestError> {
        form::read(path, text)
    }
}
