//! The manifest of one kernel: its form in TOML, its meaning, and errors that name file and line.
//!
//! Reads text; never touches the network, and looks at no path that a manifest names.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml::Spanned;

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
    /// The fragment's file, beside the manifest.
    pub fragment: PathBuf,
    /// The compiler.
    pub compiler: Compiler,
    /// Options of the fragment that this kernel does not have, each with the reason. One that takes effect
    /// nonetheless is an error, so that the list cannot go stale.
    pub absent: BTreeMap<String, String>,
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
    /// A bzImage on this machine.
    Prebuilt {
        /// The file.
        path: PathBuf,
    },
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
            Self::Prebuilt { .. } => "prebuilt",
        }
    }

    /// Whether something is compiled.
    pub fn is_built(&self) -> bool {
        matches!(self, Self::UpstreamTarball { .. } | Self::DebianSource(_) | Self::LocalTree { .. })
    }

    /// The source in a few words, for a list.
    pub fn describe(&self) -> String {
        match self {
            Self::UpstreamTarball { url, .. } => url.clone(),
            Self::DebianSource(package) => format!("{} {}", package.package, package.version),
            Self::DebianImage { packages, .. } => {
                packages.first().map_or_else(String::new, |p| format!("{} {}", p.package, p.version))
            }
            Self::LocalTree { path } | Self::Prebuilt { path } => path.display().to_string(),
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

impl Manifest {
    /// Reads one manifest; its id is the file's stem.
    ///
    /// # Errors
    /// [`ManifestError::Read`] and [`ManifestError::Bad`].
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// As [`Manifest::read`], from a text at hand; the path gives the id and stands in the errors.
    ///
    /// # Errors
    /// [`ManifestError::Bad`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ManifestError> {
        let reader = Reader { path, text };
        let form: Form = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            reader.bad(at, error.message().trim_end().replace('\n', "; "))
        })?;
        reader.manifest(form)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: Spanned<String>,
    history: PlaceForm,
    fwctl: Spanned<FwctlForm>,
    config: Option<Spanned<ConfigForm>>,
    source: Spanned<Vec<Spanned<SourceForm>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceForm {
    release: Spanned<String>,
    unmodified: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expectation {
    Present,
    Absent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FwctlForm {
    expect: Expectation,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigForm {
    fragment: Spanned<String>,
    compiler: Compiler,
    #[serde(default)]
    absent: BTreeMap<Spanned<String>, String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    UpstreamTarball,
    DebianSource,
    DebianImage,
    LocalTree,
    Prebuilt,
}

/// All kinds of source in one form: an enum tagged inside would lose the line of an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceForm {
    kind: Kind,
    url: Option<Spanned<String>>,
    sha256: Option<Spanned<String>>,
    package: Option<Spanned<String>>,
    version: Option<Spanned<String>>,
    packages: Option<Spanned<Vec<Spanned<PackageForm>>>>,
    modules: Option<Spanned<Vec<String>>>,
    path: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageForm {
    package: Spanned<String>,
    source: Spanned<String>,
    sha256: Option<Spanned<String>>,
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn bad(&self, offset: usize, what: impl Into<String>) -> ManifestError {
        let line = self.text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() + 1;
        ManifestError::Bad { path: self.path.to_owned(), line, what: what.into() }
    }

    fn manifest(&self, form: Form) -> Result<Manifest, ManifestError> {
        let id = self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if !is_name(&id) {
            return Err(self.bad(0, format!("the file's stem `{id}` cannot be a kernel's id; {NAME_RULE}")));
        }
        let version = self.name("version", &form.version)?;
        let release = form
            .history
            .release
            .get_ref()
            .parse::<Release>()
            .map_err(|what| self.bad(form.history.release.span().start, what))?;
        if !(version.strip_prefix(&release.to_string())).is_some_and(|rest| rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            return Err(self.bad(
                form.history.release.span().start,
                format!("release {release} is not the series of version {version}; make the two agree"),
            ));
        }
        let fwctl = self.fwctl(&form.fwctl)?;
        if form.source.get_ref().is_empty() {
            return Err(self.bad(form.source.span().start, "no source; add a [[source]] table"));
        }
        let mut sources = Vec::new();
        let config = form.config.as_ref().map(|config| self.config(config.get_ref())).transpose()?;
        for entry in form.source.get_ref() {
            let source = self.source(entry)?;
            let at = entry.span().start;
            match (&config, source.is_built()) {
                (None, true) => {
                    return Err(self.bad(
                        at,
                        format!("a {} has to be built; add a [config] table with fragment and compiler", source.kind()),
                    ));
                }
                (Some(_), false) => {
                    return Err(self.bad(
                        at,
                        format!("a {} is not built, so [config] has no effect on it; remove the one or the other", source.kind()),
                    ));
                }
                _ => sources.push(source),
            }
        }
        Ok(Manifest {
            id,
            path: self.path.to_owned(),
            version,
            history: Place { release, unmodified: form.history.unmodified },
            fwctl,
            config,
            sources,
        })
    }

    fn fwctl(&self, form: &Spanned<FwctlForm>) -> Result<Fwctl, ManifestError> {
        let at = form.span().start;
        match (&form.get_ref().expect, &form.get_ref().reason) {
            (Expectation::Present, None) => Ok(Fwctl::Present),
            (Expectation::Present, Some(_)) => {
                Err(self.bad(at, "a reason goes with expect = \"absent\" only; remove it"))
            }
            (Expectation::Absent, Some(reason)) if !reason.trim().is_empty() => {
                Ok(Fwctl::Absent { reason: reason.clone() })
            }
            (Expectation::Absent, _) => {
                Err(self.bad(at, "expect = \"absent\" needs a reason; say why this kernel has no fwctl"))
            }
        }
    }

    fn config(&self, form: &ConfigForm) -> Result<Config, ManifestError> {
        let fragment = self.name("fragment", &form.fragment)?;
        let mut absent = BTreeMap::new();
        for (option, reason) in &form.absent {
            let at = option.span().start;
            if !option.get_ref().starts_with("CONFIG_") {
                return Err(self.bad(at, format!("`{}` is no option; write it with CONFIG_", option.get_ref())));
            }
            if reason.trim().is_empty() {
                return Err(self.bad(at, format!("{} needs a reason", option.get_ref())));
            }
            absent.insert(option.get_ref().clone(), reason.clone());
        }
        Ok(Config { fragment: self.beside(Path::new(&fragment)), compiler: form.compiler, absent })
    }

    fn source(&self, entry: &Spanned<SourceForm>) -> Result<Source, ManifestError> {
        let at = entry.span().start;
        let form = entry.get_ref();
        let (kind, allowed): (&str, &[&str]) = match form.kind {
            Kind::UpstreamTarball => ("upstream-tarball", &["url", "sha256"]),
            Kind::DebianSource => ("debian-source", &["package", "version", "sha256"]),
            Kind::DebianImage => ("debian-image", &["version", "packages", "modules"]),
            Kind::LocalTree => ("local-tree", &["path"]),
            Kind::Prebuilt => ("prebuilt", &["path"]),
        };
        let given = [
            ("url", form.url.as_ref().map(Spanned::span)),
            ("sha256", form.sha256.as_ref().map(Spanned::span)),
            ("package", form.package.as_ref().map(Spanned::span)),
            ("version", form.version.as_ref().map(Spanned::span)),
            ("packages", form.packages.as_ref().map(Spanned::span)),
            ("modules", form.modules.as_ref().map(Spanned::span)),
            ("path", form.path.as_ref().map(Spanned::span)),
        ];
        for (field, span) in given {
            if let Some(span) = span
                && !allowed.contains(&field)
            {
                return Err(self.bad(
                    span.start,
                    format!("a {kind} has no field `{field}`; it has: {}", allowed.join(", ")),
                ));
            }
        }
        let missing = |field: &str| self.bad(at, format!("a {kind} needs the field `{field}`"));
        match form.kind {
            Kind::UpstreamTarball => {
                let url = form.url.as_ref().ok_or_else(|| missing("url"))?;
                self.tarball(url, form.sha256.as_ref())
            }
            Kind::DebianSource => {
                let package = form.package.as_ref().ok_or_else(|| missing("package"))?;
                let version = form.version.as_ref().ok_or_else(|| missing("version"))?;
                Ok(Source::DebianSource(DebianPackage {
                    package: self.name("package", package)?,
                    version: self.debian_version(version)?,
                    architecture: "all".to_owned(),
                    source: "linux".to_owned(),
                    sha256: self.sha256(form.sha256.as_ref())?,
                }))
            }
            Kind::DebianImage => {
                let version = form.version.as_ref().ok_or_else(|| missing("version"))?;
                let packages = form.packages.as_ref().ok_or_else(|| missing("packages"))?;
                let modules = form.modules.as_ref().ok_or_else(|| missing("modules"))?;
                self.debian_image(version, packages, modules)
            }
            Kind::LocalTree => {
                let path = form.path.as_ref().ok_or_else(|| missing("path"))?;
                Ok(Source::LocalTree { path: self.beside(path.get_ref()) })
            }
            Kind::Prebuilt => {
                let path = form.path.as_ref().ok_or_else(|| missing("path"))?;
                Ok(Source::Prebuilt { path: self.beside(path.get_ref()) })
            }
        }
    }

    fn tarball(&self, url: &Spanned<String>, sha256: Option<&Spanned<String>>) -> Result<Source, ManifestError> {
        let address = url.get_ref();
        let file = address.rsplit('/').next().unwrap_or_default();
        if !(address.starts_with("https://") || address.starts_with("http://")) || !is_name(file) {
            return Err(self.bad(
                url.span().start,
                format!("`{address}` is no address of a tarball; write https://HOST/PATH/FILE.tar.xz"),
            ));
        }
        let sha256 = self.sha256(sha256)?;
        if address.starts_with("http://") && sha256.is_none() {
            return Err(self.bad(
                url.span().start,
                "a tarball over plain http needs its sha256: nothing else would notice a changed one",
            ));
        }
        Ok(Source::UpstreamTarball { url: address.clone(), sha256 })
    }

    fn debian_image(
        &self,
        version: &Spanned<String>,
        packages: &Spanned<Vec<Spanned<PackageForm>>>,
        modules: &Spanned<Vec<String>>,
    ) -> Result<Source, ManifestError> {
        if packages.get_ref().is_empty() {
            return Err(self.bad(packages.span().start, "no packages; name those with the image and its modules"));
        }
        let version = self.debian_version(version)?;
        let packages = packages
            .get_ref()
            .iter()
            .map(|entry| {
                let form = entry.get_ref();
                Ok(DebianPackage {
                    package: self.name("package", &form.package)?,
                    version: version.clone(),
                    architecture: "amd64".to_owned(),
                    source: self.name("source", &form.source)?,
                    sha256: self.sha256(form.sha256.as_ref())?,
                })
            })
            .collect::<Result<_, ManifestError>>()?;
        if let Some(module) = modules.get_ref().iter().find(|module| !is_name(module)) {
            return Err(self.bad(modules.span().start, format!("`{module}` is no module's name; {NAME_RULE}")));
        }
        Ok(Source::DebianImage { packages, modules: modules.get_ref().clone() })
    }

    /// A name that becomes part of a path or an address.
    fn name(&self, field: &str, value: &Spanned<String>) -> Result<String, ManifestError> {
        let text = value.get_ref();
        if is_name(text) {
            Ok(text.clone())
        } else {
            Err(self.bad(value.span().start, format!("`{text}` cannot be a {field}; {NAME_RULE}")))
        }
    }

    /// A Debian version: as a name, with an epoch allowed.
    fn debian_version(&self, value: &Spanned<String>) -> Result<String, ManifestError> {
        let text = value.get_ref();
        let upstream = text.split_once(':').map_or(text.as_str(), |(_, rest)| rest);
        if is_name(upstream) {
            Ok(text.clone())
        } else {
            Err(self.bad(value.span().start, format!("`{text}` is no Debian version, such as 7.3.4-1~bpo13+1")))
        }
    }

    fn sha256(&self, value: Option<&Spanned<String>>) -> Result<Option<String>, ManifestError> {
        let Some(value) = value else { return Ok(None) };
        let text = value.get_ref();
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            Ok(Some(text.clone()))
        } else {
            Err(self.bad(
                value.span().start,
                format!("`{text}` is no SHA-256; write 64 hexadecimal digits in lower case, as sha256sum prints them"),
            ))
        }
    }

    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

const NAME_RULE: &str = "use letters, digits and . _ + ~ - only, and begin with a letter or digit";

/// Whether a text can stand in a file name or an address as it is.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._+~-".contains(c))
}
