//! The form of a manifest in TOML, and its reading: every error names the line and what to write instead.
//!
//! Reads text only; what comes out has been checked, so that nobody has to look at a manifest twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::{Compiler, Config, DebianPackage, Fwctl, Manifest, ManifestError, Place, Release, Source};

/// Reads the text of a manifest; the path gives the id and stands in the errors.
pub(super) fn read(path: &Path, text: &str) -> Result<Manifest, ManifestError> {
    let reader = Reader { path, text };
    let form: Form = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.bad(at, error.message().trim_end().replace('\n', "; "))
    })?;
    reader.manifest(form)
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
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ConfigForm {
    fragment: Spanned<String>,
    #[serde(default)]
    overlays: Vec<Spanned<String>>,
    compiler: Compiler,
    #[serde(default)]
    absent: BTreeMap<Spanned<String>, String>,
    modules: Option<Spanned<Vec<String>>>,
    keep_tree: Option<Spanned<bool>>,
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
        if !(version.strip_prefix(&release.to_string()))
            .is_some_and(|rest| rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_digit()))
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
                        format!(
                            "a {} has to be built; add a [config] table with fragment and compiler",
                            source.kind()
                        ),
                    ));
                }
                (Some(_), false) => {
                    return Err(self.bad(
                        at,
                        format!(
                            "a {} is not built, so [config] has no effect on it; remove the one or the other",
                            source.kind()
                        ),
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
                return Err(
                    self.bad(at, format!("`{}` is no option; write it with CONFIG_", option.get_ref()))
                );
            }
            if reason.trim().is_empty() {
                return Err(self.bad(at, format!("{} needs a reason", option.get_ref())));
            }
            absent.insert(option.get_ref().clone(), reason.clone());
        }
        let overlay = |name| Ok(self.beside(Path::new(&self.name("overlay's name", name)?)));
        let modules = form.modules.as_ref().map_or(Ok(Vec::new()), |modules| self.modules(modules))?;
        let kept = form.keep_tree.as_ref().filter(|kept| *kept.get_ref());
        if let Some(kept) = kept.filter(|_| modules.is_empty()) {
            let why =
                "keep-tree needs modules: what is built against the tree takes the place of one of them";
            return Err(self.bad(kept.span().start, why));
        }
        Ok(Config {
            own: None,
            loose: false,
            fragment: self.beside(Path::new(&fragment)),
            overlays: form.overlays.iter().map(overlay).collect::<Result<_, ManifestError>>()?,
            compiler: form.compiler,
            absent,
            modules,
            keep_tree: kept.is_some(),
        })
    }

    fn modules(&self, names: &Spanned<Vec<String>>) -> Result<Vec<String>, ManifestError> {
        match names.get_ref().iter().find(|name| !is_name(name)) {
            Some(name) => {
                Err(self.bad(names.span().start, format!("`{name}` is no module's name; {NAME_RULE}")))
            }
            None => Ok(names.get_ref().clone()),
        }
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

    fn tarball(
        &self,
        url: &Spanned<String>,
        sha256: Option<&Spanned<String>>,
    ) -> Result<Source, ManifestError> {
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
            return Err(
                self.bad(packages.span().start, "no packages; name those with the image and its modules")
            );
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
        Ok(Source::DebianImage { packages, modules: self.modules(modules)? })
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
            Err(self
                .bad(value.span().start, format!("`{text}` is no Debian version, such as 7.3.4-1~bpo13+1")))
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
