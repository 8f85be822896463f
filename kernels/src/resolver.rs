//! From a manifest to an image: the cache first, then a directory of prebuilt images, then (when asked) a build.
//!
//! Joins the other modules; has no format and no protocol of its own.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::build::{self, Build};
use crate::cache::{Cache, CacheError, WorkDir, plain};
use crate::debian::{self, Archive};
use crate::distribution;
use crate::entry::{self, Record};
use crate::error::KernelError;
use crate::fetch::{Downloader, Fetched};
use crate::image::{Image, Origin};
use crate::manifest::{Config, DebianPackage, Manifest, Source};
use crate::package::take;
use crate::progress::Progress;
use crate::recipe::{Recipe, RecipeError};
use crate::site::{self, Site};
use crate::unpack;

/// The variable that names a directory of prebuilt images.
pub const KERNEL_CACHE: &str = "SCRUBJAY_KERNEL_CACHE";
/// The part of a work directory that becomes the cache's entry.
const RESULT: &str = "result";

/// Finds and makes images.
#[derive(Debug, Clone)]
pub struct Resolver {
    /// Where builds and downloads are kept.
    pub cache: Cache,
    /// A directory of `VERSION/bzImage`, with `VERSION/config` where there is one.
    pub prebuilt: Option<PathBuf>,
    /// Parallel jobs of a build; as many as there are processors where not given.
    pub jobs: Option<NonZeroUsize>,
}

/// How far a kernel is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// In the cache, in this directory.
    Built {
        /// The entry's directory.
        dir: PathBuf,
    },
    /// An image stands in for it.
    Prebuilt {
        /// The image.
        path: PathBuf,
    },
    /// What it is built from is here.
    Fetched {
        /// The files.
        files: Vec<PathBuf>,
    },
    /// What it is built from is here in part.
    PartlyFetched {
        /// The part file.
        file: PathBuf,
        /// How many bytes of it there are.
        bytes: u64,
    },
    /// Nothing of it is here.
    Missing,
}

impl Resolver {
    /// With the user's cache; prebuilt images from the directory given, else from [`KERNEL_CACHE`].
    ///
    /// # Errors
    /// [`CacheError::NoHome`]; [`KernelError::NoKernelCache`] where the directory named is not there.
    pub fn for_user(kernel_cache: Option<PathBuf>) -> Result<Self, KernelError> {
        let from_environment =
            || std::env::var_os(KERNEL_CACHE).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self::with(Cache::for_user()?, kernel_cache.or_else(from_environment))
    }

    /// With a cache and a directory of prebuilt images, or none.
    ///
    /// # Errors
    /// [`KernelError::NoKernelCache`] where the directory is not there.
    pub fn with(cache: Cache, prebuilt: Option<PathBuf>) -> Result<Self, KernelError> {
        match prebuilt {
            Some(path) if !path.is_dir() => Err(KernelError::NoKernelCache { path }),
            prebuilt => Ok(Self { cache, prebuilt, jobs: None }),
        }
    }

    /// The image, if it is here: built by an earlier run, or prebuilt. Starts nothing long.
    ///
    /// # Errors
    /// [`KernelError::Damaged`] for an entry that is not as it was made; [`KernelError::Image`] for a prebuilt file
    /// that is no kernel or is another one; a bad fragment. A compiler that is not here only means that nothing
    /// built is found.
    pub fn find(&self, manifest: &Manifest) -> Result<Option<Image>, KernelError> {
        for source in &manifest.sources {
            if let Source::Prebuilt { path } = source
                && path.is_file()
            {
                return self.prebuilt_image(manifest, path).map(Some);
            }
            let recipe = match Recipe::of(manifest, source) {
                Ok(Some(recipe)) => recipe,
                Ok(None) => continue,
                Err(error @ (RecipeError::Compiler { .. } | RecipeError::Tree { .. })) => {
                    tracing::debug!(kernel = manifest.id, %error, "no recipe");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let dir = self.cache.entry(&manifest.id, &recipe.hash());
            if dir.is_dir() {
                return entry::load(&manifest.id, &dir).map(Some);
            }
        }
        match self.prebuilt_path(manifest) {
            Some(path) => self.prebuilt_image(manifest, &path).map(Some),
            None => Ok(None),
        }
    }

    /// The image, made if it is not here. A build takes minutes; another process at the same kernel is waited for.
    ///
    /// # Errors
    /// [`KernelError`]; nothing unfinished is left where it could be taken for a kernel.
    pub fn obtain(&self, manifest: &Manifest, progress: &mut dyn Progress) -> Result<Image, KernelError> {
        match self.find(manifest) {
            Ok(Some(image)) => return Ok(image),
            Ok(None) => {}
            Err(error @ KernelError::Damaged { .. }) => progress.note(&format!("{error}; making it again")),
            Err(error) => return Err(error),
        }
        self.first_that_works(manifest, progress, |source, progress| self.make(manifest, source, progress))
    }

    /// Builds the kernel even where a prebuilt image would stand in for it; one that is in the cache is taken.
    ///
    /// # Errors
    /// As [`Resolver::obtain`].
    pub fn build(&self, manifest: &Manifest, progress: &mut dyn Progress) -> Result<Image, KernelError> {
        Self { prebuilt: None, ..self.clone() }.obtain(manifest, progress)
    }

    /// Downloads what a kernel is made from, from the first source that has it; nothing for a local one.
    ///
    /// # Errors
    /// [`KernelError::Fetch`], [`KernelError::Archive`], [`KernelError::NoSource`].
    pub fn fetch(
        &self,
        manifest: &Manifest,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Fetched>, KernelError> {
        self.first_that_works(manifest, progress, |source, progress| self.fetch_source(source, progress))
    }

    /// How far a kernel is, for a list.
    ///
    /// # Errors
    /// As [`Resolver::find`].
    pub fn state(&self, manifest: &Manifest) -> Result<State, KernelError> {
        if let Some(image) = self.find(manifest)? {
            return Ok(match image.provenance.origin {
                Origin::Built { .. }
                | Origin::DebianImage { .. }
                | Origin::Packages { .. }
                | Origin::Installed { .. } => {
                    State::Built { dir: image.bzimage.parent().unwrap_or(Path::new("")).to_owned() }
                }
                Origin::Prebuilt | Origin::File => State::Prebuilt { path: image.bzimage },
            });
        }
        for source in &manifest.sources {
            let files: Vec<PathBuf> =
                file_names(source).into_iter().map(|name| self.cache.downloads().join(name)).collect();
            if !files.is_empty() && files.iter().all(|file| file.is_file()) {
                return Ok(State::Fetched { files });
            }
            for file in files {
                let part = PathBuf::from(format!("{}.part", file.display()));
                if let Ok(metadata) = fs::metadata(&part) {
                    return Ok(State::PartlyFetched { file: part, bytes: metadata.len() });
                }
            }
        }
        Ok(State::Missing)
    }

    fn prebuilt_path(&self, manifest: &Manifest) -> Option<PathBuf> {
        // A distribution's image, or one of another config or compiler, is what is asked for there; one of ours of the
        // same version is not that.
        if !manifest.config.as_ref().is_some_and(Config::is_plain) {
            return None;
        }
        let path = self.prebuilt.as_ref()?.join(&manifest.version).join(entry::IMAGE);
        path.is_file().then_some(path)
    }

    fn prebuilt_image(&self, manifest: &Manifest, path: &Path) -> Result<Image, KernelError> {
        let image = Image::at(manifest.id.clone(), path, Origin::Prebuilt)?;
        Ok(image.of_version(&manifest.version)?)
    }

    /// Tries the sources in their order; one that cannot be had gives way to the next.
    fn first_that_works<T>(
        &self,
        manifest: &Manifest,
        progress: &mut dyn Progress,
        mut work: impl FnMut(&Source, &mut dyn Progress) -> Result<T, KernelError>,
    ) -> Result<T, KernelError> {
        let mut attempts = Vec::new();
        for source in &manifest.sources {
            match work(source, progress) {
                Err(error) if error.is_of_the_source() && manifest.sources.len() > 1 => {
                    progress.note(&format!("{}: {error}", source.kind()));
                    attempts.push(format!("{}: {error}", source.kind()));
                }
                result => return result,
            }
        }
        Err(KernelError::NoSource { id: manifest.id.clone(), attempts })
    }

    fn fetch_source(
        &self,
        source: &Source,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Fetched>, KernelError> {
        let downloads = self.cache.downloads();
        match source {
            Source::UpstreamTarball { url, sha256 } => {
                let file = downloads.join(url.rsplit('/').next().unwrap_or_default());
                let urls = [url.clone()];
                Ok(vec![Downloader::new(None).fetch(&urls, &file, sha256.as_deref(), progress)?])
            }
            Source::DebianSource(package) => self.fetch_packages(std::slice::from_ref(package), progress),
            Source::DebianImage { packages, .. } => self.fetch_packages(packages, progress),
            Source::Patched { source, .. } => self.fetch_source(source, progress),
            Source::LocalTree { .. }
            | Source::Revision { .. }
            | Source::Prebuilt { .. }
            | Source::Packages(_)
            | Source::Installed(_) => Ok(Vec::new()),
        }
    }

    fn fetch_packages(
        &self,
        packages: &[DebianPackage],
        progress: &mut dyn Progress,
    ) -> Result<Vec<Fetched>, KernelError> {
        let here = |package: &DebianPackage| self.cache.downloads().join(package.file_name()).is_file();
        // Asked only when something has to come from there.
        let archives = if packages.iter().all(here) { Vec::new() } else { Archive::of_this_machine()? };
        let downloader = Downloader::new(debian::apt_proxy().as_deref());
        packages
            .iter()
            .map(|package| {
                let urls: Vec<String> = archives.iter().map(|archive| archive.address(package)).collect();
                let file = self.cache.downloads().join(package.file_name());
                Ok(downloader.fetch(&urls, &file, package.sha256.as_deref(), progress)?)
            })
            .collect()
    }

    /// Where what kernels gave in sessions is kept.
    pub fn transcripts(&self) -> PathBuf {
        self.cache.root().join("transcripts")
    }

    /// The packages of a kernel that the machine's apt offers by this name and version, fetched.
    ///
    /// # Errors
    /// apt does not offer them; the download's.
    pub fn fetch_offered(
        &self,
        name: &str,
        version: &str,
        progress: &mut dyn Progress,
    ) -> Result<Vec<PathBuf>, KernelError> {
        let downloader = Downloader::new(debian::apt_proxy().as_deref());
        let fetch = |offered: debian::Offered| {
            let file = self.cache.downloads().join(&offered.file);
            Ok(downloader.fetch(&[offered.url], &file, offered.sha256.as_deref(), progress)?.path)
        };
        debian::offered(name, version)?.into_iter().map(fetch).collect()
    }

    fn make(
        &self,
        manifest: &Manifest,
        source: &Source,
        progress: &mut dyn Progress,
    ) -> Result<Image, KernelError> {
        let Some(recipe) = Recipe::of(manifest, source)? else {
            return match source {
                Source::Prebuilt { path } => self.prebuilt_image(manifest, path),
                _ => Err(KernelError::NoSource { id: manifest.id.clone(), attempts: Vec::new() }),
            };
        };
        let hash = recipe.hash();
        let (shelf, name) = (self.cache.shelf(), Cache::name(&manifest.id, &hash));
        let dir = shelf.entry(&name);
        let _lock = shelf.lock(&name, &format!("kernel {}", manifest.id), progress)?;
        // Another process may have made it while this one waited.
        if dir.is_dir()
            && let Ok(image) = entry::load(&manifest.id, &dir)
        {
            return Ok(image);
        }
        let work = shelf.work(&name)?;
        let result = make_dir(&work, RESULT)?;
        let (modules, origin) = match source {
            Source::DebianImage { packages, modules } => {
                let files: Vec<PathBuf> = self
                    .fetch_packages(packages, progress)?
                    .into_iter()
                    .map(|fetched| fetched.path)
                    .collect();
                let scratch = make_dir(&work, "packages")?;
                let modules = distribution::take(&manifest.id, &files, modules, &scratch, &result, progress)?;
                let packages = packages.iter().map(DebianPackage::file_name).collect();
                (modules, Origin::DebianImage { recipe: hash, packages })
            }
            Source::Packages(packages) => {
                let scratch = make_dir(&work, "packages")?;
                let modules = take::packages(packages, &manifest.id, &scratch, &result, progress)?;
                (modules, Origin::Packages { recipe: hash, packages: packages.provenance() })
            }
            Source::Installed(kernel) => {
                let modules = take::installed(kernel, &manifest.id, &result)?;
                let (image, dir) = (kernel.image.clone(), kernel.modules.clone());
                (modules, Origin::Installed { recipe: hash, image, modules: dir })
            }
            source => {
                let (modules, source_sha256) = self.compile(manifest, source, &work, &result, progress)?;
                let origin = Origin::Built {
                    recipe: hash,
                    source: recipe.source().to_owned(),
                    source_sha256,
                    compiler: recipe.compiler().unwrap_or_default().to_owned(),
                };
                (modules, origin)
            }
        };
        // What stands in a tree may be another than was built by now, or than was hashed.
        if let Source::LocalTree { path } = source
            && Recipe::of(manifest, source)?.as_ref() != Some(&recipe)
        {
            return Err(KernelError::Changed { id: manifest.id.clone(), path: path.clone() });
        }
        let image = Image::at(manifest.id.clone(), &result.join(entry::IMAGE), origin)?;
        // What is shipped has a version of its packager's, and was held against the image's own.
        let image = if manifest.is_shipped() { image } else { image.of_version(&manifest.version)? };
        let provenance = image.provenance;
        Record::new(&manifest.id, modules, recipe, provenance).write(&result)?;
        work.publish(RESULT, &dir)?;
        entry::load(&manifest.id, &dir)
    }

    /// Builds into `result`; gives the places of the modules below it, in the order of loading, and the digest of the
    /// source's file, where it is one.
    fn compile(
        &self,
        manifest: &Manifest,
        source: &Source,
        work: &WorkDir,
        result: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(Vec<PathBuf>, Option<String>), KernelError> {
        let id = manifest.id.as_str();
        let Some(config) = &manifest.config else {
            return Err(KernelError::NoSource { id: id.to_owned(), attempts: Vec::new() });
        };
        build::preflight(id, config, work.path())?;
        let failed_log = self.cache.kernels().join(format!("{}.failed.log", plain(id)));
        let jobs = self.jobs();
        let build = |tree: &Path, objects: &Path, progress: &mut dyn Progress| {
            Build { id, config, tree, objects, jobs, failed_log: &failed_log }.run(result, progress)
        };
        match source {
            Source::Revision { repo, commit, series } => {
                let options = config.options().map_err(RecipeError::from)?;
                let site = Site::of(&self.cache, repo, progress)?;
                progress.note(&format!("kernel {id}: checking out {commit}"));
                let tree = site.check_out(repo, commit)?;
                if let Some(series) = series {
                    series.apply(&tree, commit)?;
                }
                let (objects, at_work) = site.objects(&options.text())?;
                let modules = build(&tree, &objects, progress)?;
                at_work.ended();
                Ok((modules, None))
            }
            Source::LocalTree { path } => {
                let objects = make_dir(work, "objects")?;
                let (mut tree, in_place) = local_tree(id, path)?;
                if in_place {
                    progress
                        .note(&format!("kernel {id}: the tree was built in place; its sources are copied"));
                    let copy = make_dir(work, "source")?;
                    site::copy_of(&tree, &copy, work.path())?;
                    tree = copy;
                }
                Ok((build(&tree, &objects, progress)?, None))
            }
            _ => {
                let (tree, sha256) = self.unpacked(id, source, work, progress)?;
                Ok((build(&tree, &make_dir(work, "objects")?, progress)?, sha256))
            }
        }
    }

    /// The tree of a source that has to be unpacked, and the digest of its file.
    fn unpacked(
        &self,
        id: &str,
        source: &Source,
        work: &WorkDir,
        progress: &mut dyn Progress,
    ) -> Result<(PathBuf, Option<String>), KernelError> {
        if let Source::Patched { source, series } = source {
            let (tree, sha256) = self.unpacked(id, source, work, progress)?;
            series.apply(&tree, &source.describe())?;
            return Ok((tree, sha256));
        }
        let fetched = self.fetch_source(source, progress)?;
        let Some(archive) = fetched.into_iter().next() else {
            return Err(KernelError::NoSource { id: id.to_owned(), attempts: Vec::new() });
        };
        let unpacked = make_dir(work, "source")?;
        Ok((unpack::kernel_tree(&archive.path, &unpacked, progress)?, Some(archive.sha256)))
    }

    /// Parallel jobs of a build.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

fn make_dir(work: &WorkDir, name: &str) -> Result<PathBuf, KernelError> {
    let path = work.path().join(name);
    fs::create_dir_all(&path).map_err(CacheError::io("make the directory", &path))?;
    Ok(path)
}

fn file_names(source: &Source) -> Vec<String> {
    match source {
        Source::UpstreamTarball { url, .. } => {
            url.rsplit('/').next().map(str::to_owned).into_iter().collect()
        }
        Source::DebianSource(package) => vec![package.file_name()],
        Source::DebianImage { packages, .. } => packages.iter().map(DebianPackage::file_name).collect(),
        Source::Patched { source, .. } => file_names(source),
        Source::LocalTree { .. }
        | Source::Revision { .. }
        | Source::Prebuilt { .. }
        | Source::Packages(_)
        | Source::Installed(_) => Vec::new(),
    }
}

/// A tree of the user's, and whether it was built in place.
fn local_tree(id: &str, path: &Path) -> Result<(PathBuf, bool), KernelError> {
    let bad = |what| KernelError::Tree { id: id.to_owned(), path: path.to_owned(), what };
    if !path.join("Kconfig").is_file() || !path.join("Makefile").is_file() {
        return Err(bad("is no kernel tree: it has no Kconfig and Makefile"));
    }
    // What make asks for (Makefile, outputmakefile).
    let built = [".config", "include/config", "arch/x86/include/generated"]
        .iter()
        .any(|left| path.join(left).exists());
    Ok((std::path::absolute(path).unwrap_or_else(|_| path.to_owned()), built))
}
