//! What a user writes for a kernel: one grammar, read here and nowhere else.
//!
//! Reads words, and of a tree or a repository what says whether there is a kernel in it. Builds nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::catalogue::Catalogue;
use crate::git::{self, GitError};
use crate::image::{Image, ImageError};
use crate::manifest::{Compiler, Config, Fwctl, Manifest, ManifestError, Place, Release, Source};
use crate::package::PackageError;
use crate::series::{Series, SeriesError};
use crate::stale;

mod shipped;

/// The forms, for errors.
const FORMS: &str = "ID, FROM..TO, all, ID+SERIES, tree:PATH, git:PATH@REV, git:PATH@REV+SERIES, deb:FILE, deb:NAME=VERSION, \
                         rpm:FILE, running, vmlinuz:PATH, or the path of a bzImage";

/// What stands in a tree for what it is.
const TREE: [&str; 3] = ["Makefile", "Kconfig", "arch/x86/Makefile"];
/// What is laid over the config of a user's tree, beside the manifests.
const FRAGMENT: &str = "reference.config";

/// A kernel that was asked for.
#[derive(Debug, Clone)]
pub enum Asked<'a> {
    /// One of the catalogue, or one that is built as if it were: a tree, a revision, a series upon something.
    Made(Cow<'a, Manifest>),
    /// A file.
    File {
        /// Its release, or what the user wrote where another kernel has that name.
        id: String,
        /// What the user wrote.
        word: String,
        /// The kernel.
        image: Box<Image>,
    },
}

impl Asked<'_> {
    /// What it is called in reports.
    pub fn id(&self) -> &str {
        match self {
            Asked::Made(manifest) => &manifest.id,
            Asked::File { id, .. } => id,
        }
    }
}

/// Why a word names no kernel.
#[derive(Debug, thiserror::Error)]
pub enum AskedError {
    /// It is in no form.
    #[error("{0}; or write one of {FORMS}")]
    Unknown(ManifestError),
    /// A range that names nothing.
    #[error("`{word}` is no range of kernels: {why}")]
    Range {
        /// What the user wrote.
        word: String,
        /// What is wrong, and what there is.
        why: String,
    },
    /// A directory that no kernel can be built from.
    #[error("{word}: {} {why}", path.display())]
    Tree {
        /// What the user wrote.
        word: String,
        /// The directory.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A revision that is not there.
    #[error("{word}: no revision `{revision}` in {}{hint}", repo.display())]
    Revision {
        /// What the user wrote.
        word: String,
        /// The revision.
        revision: String,
        /// The repository.
        repo: PathBuf,
        /// What else may be meant.
        hint: String,
    },
    /// git could not be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A series that is none.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// Files that are no packages of a kernel, or none that can be tested here.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A file that is no kernel, or an old one.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// The kernels that the words name, in that order, each once. Where several have one name, files have that which the
/// user wrote.
///
/// # Errors
/// The first word that names none.
pub fn asked<'a>(words: &[String], catalogue: &'a Catalogue) -> Result<Vec<Asked<'a>>, AskedError> {
    let mut all: Vec<Asked> = Vec::new();
    let each_once = words.iter().enumerate().filter(|(i, word)| !words[..*i].contains(word));
    for (_, word) in each_once {
        for kernel in read(word, catalogue)? {
            let is_made = matches!(&kernel, Asked::Made(manifest) if !manifest.is_shipped());
            if !is_made || !all.iter().any(|other| other.id() == kernel.id()) {
                all.push(kernel);
            }
        }
    }
    tell_apart(all.iter_mut());
    Ok(all)
}

/// The one kernel that a word names.
///
/// # Errors
/// One that names none, or several.
pub fn asked_one<'a>(word: &str, catalogue: &'a Catalogue) -> Result<Asked<'a>, AskedError> {
    let mut all = read(word, catalogue)?;
    match (all.pop(), all.len()) {
        (Some(kernel), 0) => Ok(kernel),
        (_, more) => {
            let why = format!("{} kernels, where one is wanted", more + 1);
            Err(AskedError::Range { word: word.to_owned(), why })
        }
    }
}

/// Gives each image that is named by its file the modules of a directory: a `lib/modules/VERSION`, or the one above.
///
/// # Errors
/// [`PackageError`].
pub fn with_modules<'w, 'c: 'w>(
    all: impl Iterator<Item = &'w mut Asked<'c>>,
    dir: &Path,
    catalogue: &Catalogue,
) -> Result<(), AskedError> {
    for kernel in all {
        if let Asked::File { word, image, .. } = kernel {
            *kernel = Asked::Made(Cow::Owned(shipped::with_modules(word, image, dir, catalogue)?));
        }
    }
    Ok(())
}

/// Gives each file whose release another kernel has too, and each package whose name and version another has too, the
/// name that the user wrote.
pub fn tell_apart<'w, 'c: 'w>(all: impl Iterator<Item = &'w mut Asked<'c>>) {
    let mut all: Vec<_> = all.collect();
    let ids: Vec<String> = all.iter().map(|kernel| kernel.id().to_owned()).collect();
    for kernel in &mut all {
        if ids.iter().filter(|other| *other == kernel.id()).count() < 2 {
            continue;
        }
        match kernel {
            Asked::File { id, word, .. } => id.clone_from(word),
            Asked::Made(manifest) => {
                if let Some(word) = manifest.word().map(str::to_owned) {
                    manifest.to_mut().id = word;
                }
            }
        }
    }
}

fn read<'a>(word: &str, catalogue: &'a Catalogue) -> Result<Vec<Asked<'a>>, AskedError> {
    let one = |manifest: Manifest| Ok(vec![Asked::Made(Cow::Owned(manifest))]);
    if let Some(path) = word.strip_prefix("tree:") {
        return one(tree(word, Path::new(path), catalogue)?);
    }
    if let Some(rest) = word.strip_prefix("git:") {
        return one(revision(word, rest, catalogue)?);
    }
    if let Some(path) = word.strip_prefix("vmlinuz:") {
        let image = file(Path::new(path))?;
        return Ok(vec![Asked::File { id: word.to_owned(), word: word.to_owned(), image }]);
    }
    if let Some(shipped) = shipped::read(word, catalogue)? {
        return one(shipped);
    }
    let unknown = match catalogue.get(word) {
        Ok(manifest) => return Ok(vec![Asked::Made(Cow::Borrowed(manifest))]),
        Err(unknown) => unknown,
    };
    if word == "all" {
        return Ok(matrix(catalogue).map(|manifest| Asked::Made(Cow::Borrowed(manifest))).collect());
    }
    if let Some((Ok(from), Ok(to))) = word.split_once("..").map(|(from, to)| (from.parse(), to.parse())) {
        return range(word, from, to, catalogue);
    }
    if let Some((id, series)) = word.split_once('+')
        && let Ok(manifest) = catalogue.get(id)
    {
        return one(patched(word, manifest, Series::read(Path::new(series))?));
    }
    if word.contains('/') || Path::new(word).is_file() {
        let image = file(Path::new(word))?;
        return Ok(vec![Asked::File { id: image.release.clone(), word: word.to_owned(), image }]);
    }
    Err(AskedError::Unknown(unknown))
}

fn file(path: &Path) -> Result<Box<Image>, ImageError> {
    let image = Image::from_file(path)?;
    stale::check(path)?;
    Ok(Box::new(image))
}

/// Every release of the catalogue as it was released: those that are named for nothing else.
fn matrix(catalogue: &Catalogue) -> impl Iterator<Item = &Manifest> {
    catalogue.iter().filter(|manifest| manifest.id == manifest.history.release.to_string())
}

fn range<'a>(
    word: &str,
    from: Release,
    to: Release,
    catalogue: &'a Catalogue,
) -> Result<Vec<Asked<'a>>, AskedError> {
    let known = matrix(catalogue).map(|m| m.id.as_str()).collect::<Vec<_>>().join(", ");
    let wrong = |why: String| AskedError::Range { word: word.to_owned(), why };
    if let Some(end) = [from, to].iter().find(|end| !matrix(catalogue).any(|m| m.history.release == **end)) {
        return Err(wrong(format!("there is no {end}; there are {known}")));
    }
    if from > to {
        return Err(wrong(format!("{from} comes after {to}; write {to}..{from}")));
    }
    let within = |m: &&Manifest| (from..=to).contains(&m.history.release);
    Ok(matrix(catalogue).filter(within).map(|manifest| Asked::Made(Cow::Borrowed(manifest))).collect())
}

fn tree(word: &str, path: &Path, catalogue: &Catalogue) -> Result<Manifest, AskedError> {
    let wrong = |why: String| AskedError::Tree { word: word.to_owned(), path: path.to_owned(), why };
    if !path.is_dir() {
        return Err(wrong("is no directory".to_owned()));
    }
    if let Some(missing) = TREE.iter().find(|name| !path.join(name).is_file()) {
        return Err(wrong(no_tree(missing)));
    }
    let makefile = std::fs::read_to_string(path.join("Makefile"))
        .map_err(|error| wrong(format!("Makefile: {error}")))?;
    let version = version(&makefile).ok_or_else(|| wrong(NO_VERSION.to_owned()))?;
    let own = path.join(".config");
    let own = own.is_file().then_some(own);
    if let Some(own) = &own {
        let text = std::fs::read_to_string(own).map_err(|error| wrong(format!(".config: {error}")))?;
        if !text.lines().any(|line| line == "CONFIG_X86_64=y") {
            let why = "has a .config for another architecture: it does not say CONFIG_X86_64=y; remove it, and the \
                       reference config is taken";
            return Err(wrong(why.to_owned()));
        }
    }
    let unmodified = is_of_release(&version)
        && if git::is_repository(path) {
            let is_clean = git::state(path).is_ok_and(|state| state.split(' ').count() == 2);
            is_clean && git::is_release(path, "HEAD", &version)
        } else {
            // A part of a repository has no tag of its own.
            !git::is_in_repository(path)
        };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    made(word, &version, unmodified, own, Source::LocalTree { path }, catalogue)
        .ok_or_else(|| wrong(NO_VERSION.to_owned()))
}

const NO_VERSION: &str = "has a Makefile that names no version";
const PARTIAL: &str = "is a partial clone, which would have to fetch what is missing; name a whole one (git clone without \
                       --filter), or a work tree as it stands (tree:PATH)";

fn no_tree(missing: &str) -> String {
    match missing {
        "arch/x86/Makefile" => "has no arch/x86: only kernels for x86-64 are built".to_owned(),
        missing => format!("is no kernel tree: it has no {missing}"),
    }
}

fn revision(word: &str, rest: &str, catalogue: &Catalogue) -> Result<Manifest, AskedError> {
    let (repo, revision, series) = parts(rest);
    let series = series.map(|path| Series::read(&path)).transpose()?;
    let base = series.as_ref().and_then(|series| series.base.clone());
    let revision = revision.or(base).unwrap_or_else(|| "HEAD".to_owned());
    revision_of(word, &repo, &revision, series, catalogue)
}

/// The kernel at a revision of a repository, with a series applied where one is given; called `word` in reports.
///
/// # Errors
/// A directory that is no repository, or a partial clone; a revision that is not there, or that has no kernel.
pub fn revision_of(
    word: &str,
    repo: &Path,
    revision: &str,
    series: Option<Series>,
    catalogue: &Catalogue,
) -> Result<Manifest, AskedError> {
    let wrong = |why: String| AskedError::Tree { word: word.to_owned(), path: repo.to_owned(), why };
    if !repo.is_dir() {
        return Err(wrong("is no directory; write git:PATH@REV".to_owned()));
    }
    git::ask(repo, &["rev-parse", "--git-dir"])?;
    if git::is_partial(repo) {
        return Err(wrong(PARTIAL.to_owned()));
    }
    let commit = git::ask(
        repo,
        &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")],
    );
    let Ok(commit) = commit else {
        let hint = match revision.split_once('+') {
            Some((revision, series)) => {
                format!(", and no series {series} that {revision} could be patched with")
            }
            None => String::new(),
        };
        let (word, revision, repo) = (word.to_owned(), revision.to_owned(), repo.to_owned());
        return Err(AskedError::Revision { word, revision, repo, hint });
    };
    let has = |name: &&str| git::ask(repo, &["cat-file", "-e", &format!("{commit}:{name}")]).is_ok();
    if let Some(missing) = TREE.iter().find(|name| !has(name)) {
        return Err(wrong(format!("at {revision} {}", no_tree(missing))));
    }
    let makefile = git::ask(repo, &["show", &format!("{commit}:Makefile")])?;
    let version = version(&makefile).ok_or_else(|| wrong(NO_VERSION.to_owned()))?;
    let unmodified = series.is_none() && is_of_release(&version) && git::is_release(repo, &commit, &version);
    let whole = std::path::absolute(repo).unwrap_or_else(|_| repo.to_owned());
    let source = Source::Revision { repo: whole, commit, series };
    made(word, &version, unmodified, None, source, catalogue).ok_or_else(|| wrong(NO_VERSION.to_owned()))
}

/// Repository, revision and series of `PATH@REV+SERIES`. A path may have an `@` in it and a revision a `+`: the first
/// `@` behind a directory counts, and the first `+` before a path that is there.
fn parts(text: &str) -> (PathBuf, Option<String>, Option<PathBuf>) {
    let at = |sign: char| text.char_indices().filter(move |(_, c)| *c == sign).map(|(i, _)| i);
    let repo = at('@').find(|i| Path::new(&text[..*i]).is_dir());
    let series = |from: usize| at('+').find(|i| *i >= from && Path::new(&text[i + 1..]).exists());
    match repo {
        Some(repo) => {
            let end = series(repo + 1).unwrap_or(text.len());
            let series = text.get(end + 1..).map(PathBuf::from);
            (PathBuf::from(&text[..repo]), Some(text[repo + 1..end].to_owned()), series)
        }
        None => {
            let plus = series(0).filter(|i| Path::new(&text[..*i]).is_dir());
            let end = plus.unwrap_or(text.len());
            (PathBuf::from(&text[..end]), None, text.get(end + 1..).map(PathBuf::from))
        }
    }
}

/// A kernel of the catalogue with a series upon it.
fn patched(word: &str, manifest: &Manifest, series: Series) -> Manifest {
    let upon = |source: &Source| Source::Patched { source: Box::new(source.clone()), series: series.clone() };
    Manifest {
        id: word.to_owned(),
        history: Place { unmodified: false, ..manifest.history },
        config: manifest.config.clone().map(|config| Config { loose: true, ..config }),
        sources: manifest.sources.iter().filter(|source| source.is_built()).map(upon).collect(),
        ..manifest.clone()
    }
}

/// The manifest of a user's tree.
fn made(
    word: &str,
    version: &str,
    unmodified: bool,
    own: Option<PathBuf>,
    source: Source,
    catalogue: &Catalogue,
) -> Option<Manifest> {
    let mut numbers = version.split(['.', '-']);
    let release = format!("{}.{}", numbers.next()?, numbers.next()?).parse().ok()?;
    Some(Manifest {
        id: word.to_owned(),
        path: catalogue.dir().join(word),
        version: version.to_owned(),
        history: Place { release, unmodified },
        fwctl: Fwctl::Present,
        config: Some(Config {
            own,
            fragment: catalogue.dir().join(FRAGMENT),
            overlays: Vec::new(),
            compiler: Compiler::Gcc,
            absent: BTreeMap::new(),
            loose: true,
            modules: Vec::new(),
            keep_tree: false,
        }),
        sources: vec![source],
    })
}

/// Whether a version is one that a release can have: nothing stands behind its numbers but `-rcN`.
fn is_of_release(version: &str) -> bool {
    let behind = version.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    behind.is_empty() || behind.strip_prefix("-rc").is_some_and(|number| number.parse::<u16>().is_ok())
}

/// The version that a kernel's Makefile names: `7.3.4`, `7.4.0-rc2`.
fn version(makefile: &str) -> Option<String> {
    let value = |name: &str| {
        let of =
            |line: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim().to_owned());
        makefile.lines().find_map(of)
    };
    let number = |name: &str| value(name).filter(|text| text.parse::<u16>().is_ok());
    let (version, patchlevel) = (number("VERSION")?, number("PATCHLEVEL")?);
    let sublevel = number("SUBLEVEL").unwrap_or_else(|| "0".to_owned());
    Some(format!("{version}.{patchlevel}.{sublevel}{}", value("EXTRAVERSION").unwrap_or_default()))
}

#[cfg(test)]
#[path = "asked/tests.rs"]
mod tests;
