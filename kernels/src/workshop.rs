//! Builds modules of a kernel anew against its kept tree, out of sources of which one is changed.
//!
//! ```text
//! modules/ID-RECIPE/drivers-cxl/          a unit as it is, built
//!     objects/                            its sources and objects, which a changed one starts from
//!     modules/NAME.ko
//! modules/ID-RECIPE/HASH/NAME.ko          one module out of a changed source
//! ```
//!
//! Knows files and modules; why a source is changed, and what comes of it, is the caller's.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use scrubjay_host::{Manner, process};

use crate::cache::{CacheError, Shelf};
use crate::digest;
use crate::entry;
use crate::image::{Image, Origin};
use crate::make::{self, MakeError};
use crate::manifest::{Compiler, Manifest};
use crate::progress::{Progress, Quiet};
use crate::resolver::Resolver;
use crate::sign::{self, SignError};
use crate::tree;

/// Parts of a unit's entry.
const OBJECTS: &str = "objects";
const BUILT: &str = "modules";
/// The part of a work directory that becomes an entry.
const RESULT: &str = "result";
/// How many hexadecimal digits name a module.
const HASH_LENGTH: usize = 16;
/// Raised when the way of building changes so that old results should not be taken.
const SCHEME: &str = "2";
/// What modpost writes into the modules of the kernel's own tree alone. Without it, loading one taints the kernel
/// (kernel/module/main.c, module_augment_kernel_taints), and a taint is among the things that are compared.
const IN_TREE: &[u8] = b"intree=Y\0";

/// Why a module could not be built.
#[derive(Debug, thiserror::Error)]
pub enum WorkshopError {
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(CacheError),
    /// The kernel has nothing to build modules against.
    #[error(
        "kernel {id} has no tree to build modules against; name one whose manifest says keep-tree = true, and which \
         was built here"
    )]
    NoTree {
        /// The kernel.
        id: String,
    },
    /// The file is not kept, or there is none.
    #[error("kernel {id} has no source {}; there are those below {}", file.display(), tree::UNITS.join(", "))]
    NoSource {
        /// The kernel.
        id: String,
        /// The file.
        file: PathBuf,
    },
    /// The file is a part of no module.
    #[error("{} is part of no module that kernel {id} loads", file.display())]
    NoModule {
        /// The kernel.
        id: String,
        /// The file.
        file: PathBuf,
    },
    /// make failed.
    #[error("{what} does not build for kernel {id} ({status}):\n{tail}")]
    Make {
        /// The kernel.
        id: String,
        /// What was built.
        what: String,
        /// How make ended.
        status: String,
        /// Its last lines.
        tail: String,
    },
    /// A module could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A program could not be run, or failed.
    #[error("cannot run {command} ({why}); run ci/setup, or install it")]
    Program {
        /// Its name.
        command: &'static str,
        /// Why.
        why: String,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<CacheError> for WorkshopError {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Interrupted => Self::Interrupted,
            error => Self::Cache(error),
        }
    }
}

/// Builds modules of one kernel.
#[derive(Debug)]
pub struct Workshop {
    image: Image,
    tree: PathBuf,
    compiler: Compiler,
    jobs: usize,
    shelf: Shelf,
}

impl Workshop {
    /// Of a kernel that was built with its tree kept.
    ///
    /// # Errors
    /// [`WorkshopError::NoTree`].
    pub fn new(resolver: &Resolver, manifest: &Manifest, image: &Image) -> Result<Self, WorkshopError> {
        let (Some(tree), Some(config), Origin::Built { recipe, .. }) =
            (&image.tree, &manifest.config, &image.provenance.origin)
        else {
            return Err(WorkshopError::NoTree { id: manifest.id.clone() });
        };
        Ok(Self {
            image: image.clone(),
            tree: tree.clone(),
            compiler: config.compiler,
            jobs: resolver.jobs(),
            shelf: resolver.cache.modules_of(&manifest.id, recipe),
        })
    }

    /// A source file as the kernel has it. `file` is its path below the kernel's tree.
    ///
    /// # Errors
    /// [`WorkshopError::NoSource`].
    pub fn source(&self, file: &Path) -> Result<String, WorkshopError> {
        let path = self.tree.join(file);
        let none = || WorkshopError::NoSource { id: self.image.id.clone(), file: file.to_owned() };
        if tree::unit_of(file).is_none() || !path.is_file() {
            return Err(none());
        }
        Ok(fs::read_to_string(&path).map_err(CacheError::io("read", &path))?)
    }

    /// The kernel with every module that this workshop can build, built here and unchanged.
    ///
    /// # Errors
    /// [`WorkshopError`].
    pub fn unchanged(&self, progress: &mut dyn Progress) -> Result<Image, WorkshopError> {
        let mut image = self.image.clone();
        for unit in tree::UNITS.into_iter().filter(|unit| self.tree.join(unit).is_dir()) {
            let built = self.unit(unit, progress)?.join(BUILT);
            for module in &mut image.modules {
                let rebuilt = built.join(module.file_name().unwrap_or_default());
                if rebuilt.is_file() {
                    *module = rebuilt;
                }
            }
        }
        Ok(image)
    }

    /// Every source and header that modules are built from here, by its path below the kernel's tree.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn sources(&self) -> Result<BTreeMap<PathBuf, String>, WorkshopError> {
        let mut sources = BTreeMap::new();
        for unit in tree::UNITS {
            let dir = self.tree.join(unit);
            for extension in ["c", "h"] {
                let found = if dir.is_dir() { find(&dir, extension)? } else { Vec::new() };
                for file in found {
                    let path = dir.join(&file);
                    let text = fs::read_to_string(&path).map_err(CacheError::io("read", &path))?;
                    sources.insert(Path::new(unit).join(file), text);
                }
            }
        }
        Ok(sources)
    }

    /// The kernel with the one module, of which `file` is a part, built from `text` in the file's place.
    ///
    /// # Errors
    /// [`WorkshopError`]; a source that does not compile is [`WorkshopError::Make`] with the compiler's words.
    pub fn changed(
        &self,
        file: &Path,
        text: &str,
        progress: &mut dyn Progress,
    ) -> Result<Image, WorkshopError> {
        self.all_changed(&BTreeMap::from([(file.to_owned(), text.to_owned())]), progress)
    }

    /// The kernel with the modules, of which `files` are a part, built from these texts in the files' places. A header
    /// is taken for a part of every module of its directory.
    ///
    /// # Errors
    /// As [`Workshop::changed`].
    pub fn all_changed(
        &self,
        files: &BTreeMap<PathBuf, String>,
        progress: &mut dyn Progress,
    ) -> Result<Image, WorkshopError> {
        let mut units: BTreeMap<&str, BTreeMap<PathBuf, (&Path, &str)>> = BTreeMap::new();
        for (file, text) in files {
            let (unit, rest) = tree::unit_of(file).ok_or_else(|| self.no_module(file))?;
            units.entry(unit).or_default().insert(rest, (file, text));
        }
        let mut image = self.image.clone();
        for (unit, files) in units {
            self.unit_changed(&mut image, unit, &files, progress)?;
        }
        Ok(image)
    }

    /// Puts the modules of a unit into the image that are built from changed files; these by their path below the unit,
    /// with that below the tree.
    fn unit_changed(
        &self,
        image: &mut Image,
        unit: &str,
        files: &BTreeMap<PathBuf, (&Path, &str)>,
        progress: &mut dyn Progress,
    ) -> Result<(), WorkshopError> {
        let origin = self.unit(unit, progress)?.join(OBJECTS);
        let mut modules = BTreeMap::new();
        for (rest, (file, _)) in files {
            let of_file = match rest.extension().is_some_and(|extension| extension == "h") {
                true => find(&origin, "ko")?,
                false => module_with(&origin, rest)?.into_iter().collect(),
            };
            let loaded: Vec<_> =
                of_file.into_iter().filter_map(|module| Some((self.place_of(&module)?, module))).collect();
            if loaded.is_empty() {
                return Err(self.no_module(file));
            }
            modules.extend(loaded);
        }
        let mut all = SCHEME.to_owned();
        files.values().for_each(|(file, text)| all += &format!("\n{}\n{text}", file.display()));
        let mut hash = digest::of_bytes(all.as_bytes());
        hash.truncate(HASH_LENGTH);
        let entry = self.shelf.entry(&hash);
        let names: Vec<_> = files.values().map(|(file, _)| file.display().to_string()).collect();
        let what = format!("a changed {}", names.join(", "));
        let _lock = self.shelf.lock(&hash, &what, progress)?;
        let name = |module: &Path| module.file_name().unwrap_or_default().to_owned();
        if !modules.values().all(|module| entry.join(name(module)).is_file()) {
            let work = self.shelf.work(&hash)?;
            let copy = work.path().join(OBJECTS);
            tree::copy(&origin, &copy, &|_| true)?;
            for (rest, (_, text)) in files {
                let changed = copy.join(rest);
                fs::write(&changed, text).map_err(CacheError::io("write", &changed))?;
            }
            self.make(&copy, &work.path().join(entry::LOG), &what, &mut Quiet(progress))?;
            let result = work.path().join(RESULT);
            fs::create_dir_all(&result).map_err(CacheError::io("make the directory", &result))?;
            for module in modules.values() {
                self.finish(&copy.join(module), &result.join(name(module)))?;
            }
            work.publish(RESULT, &entry)?;
        }
        for (place, module) in modules {
            image.modules[place] = entry.join(name(&module));
        }
        Ok(())
    }

    /// Where the kernel loads a module, in its order.
    fn place_of(&self, module: &Path) -> Option<usize> {
        self.image.modules.iter().position(|path| path.file_name() == module.file_name())
    }

    /// The entry of a unit, built if it is not here.
    fn unit(&self, unit: &str, progress: &mut dyn Progress) -> Result<PathBuf, WorkshopError> {
        let name = unit.replace('/', "-");
        let entry = self.shelf.entry(&name);
        if entry.is_dir() {
            return Ok(entry);
        }
        let what = format!("the modules of {unit}");
        let _lock = self.shelf.lock(&name, &what, progress)?;
        if entry.is_dir() {
            return Ok(entry);
        }
        progress.note(&format!("building {what} of kernel {} anew", self.image.id));
        let work = self.shelf.work(&name)?;
        let result = work.path().join(RESULT);
        let (objects, built) = (result.join(OBJECTS), result.join(BUILT));
        tree::copy(&self.tree.join(unit), &objects, &|_| true)?;
        self.make(&objects, &work.path().join(entry::LOG), &what, &mut Quiet(progress))?;
        fs::create_dir_all(&built).map_err(CacheError::io("make the directory", &built))?;
        for module in find(&objects, "ko")? {
            self.finish(&objects.join(&module), &built.join(module.file_name().unwrap_or_default()))?;
        }
        work.publish(RESULT, &entry)?;
        Ok(entry)
    }

    fn make(
        &self,
        dir: &Path,
        log: &Path,
        what: &str,
        progress: &mut dyn Progress,
    ) -> Result<(), WorkshopError> {
        let mut log_file = File::create(log).map_err(CacheError::io("write", log))?;
        let mut command = make::command(&self.tree, dir, self.compiler, self.jobs);
        let mut unit = std::ffi::OsString::from("M=");
        unit.push(dir);
        command.arg(unit).arg("modules");
        make::run(command, &mut log_file, progress).map_err(|error| match error {
            MakeError::Run(error) => WorkshopError::Program { command: "make", why: error.to_string() },
            MakeError::Log(source) => CacheError::io("write", log)(source).into(),
            MakeError::Interrupted => WorkshopError::Interrupted,
            MakeError::Failed { status, tail } => WorkshopError::Make {
                id: self.image.id.clone(),
                what: what.to_owned(),
                status: status.to_string(),
                tail,
            },
        })
    }

    /// Makes of a module that was built one as the kernel's own are.
    fn finish(&self, built: &Path, to: &Path) -> Result<(), WorkshopError> {
        put_in_tree(built, to)?;
        Ok(sign::sign(&self.tree, to)?)
    }

    fn no_module(&self, file: &Path) -> WorkshopError {
        WorkshopError::NoModule { id: self.image.id.clone(), file: file.to_owned() }
    }
}

/// The module of a built unit that a source is part of: its path below the unit. make leaves the objects of each module
/// beside it in a `.mod` file, one a line.
fn module_with(unit: &Path, source: &Path) -> Result<Option<PathBuf>, WorkshopError> {
    let object = source.with_extension("o");
    for list in find(unit, "mod")? {
        let path = unit.join(&list);
        let text = fs::read_to_string(&path).map_err(CacheError::io("read", &path))?;
        if text.split_whitespace().any(|part| is_object(Path::new(part), &object)) {
            return Ok(Some(list.with_extension("ko")));
        }
    }
    Ok(None)
}

/// Whether a part of a module is that object, below the unit: kbuild names it from the unit's directory,
/// or absolutely. An object of the same name in a directory below is another.
fn is_object(part: &Path, object: &Path) -> bool {
    let from_unit = part.strip_prefix(".").unwrap_or(part);
    from_unit == object || part.is_absolute() && part.ends_with(Path::new(OBJECTS).join(object))
}

/// The files with that ending below a directory, by name.
fn find(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, CacheError> {
    fn walk(root: &Path, dir: &Path, extension: &str, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                walk(root, &path, extension, found)?;
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(dir, dir, extension, &mut found).map_err(CacheError::io("read the directory", dir))?;
    found.sort();
    Ok(found)
}

/// Copies a module and marks it as one of the kernel's own tree.
fn put_in_tree(module: &Path, to: &Path) -> Result<(), WorkshopError> {
    let info = to.with_extension("modinfo");
    let option = |option: &str| {
        let mut argument = std::ffi::OsString::from(format!("{option}=.modinfo="));
        argument.push(&info);
        argument
    };
    objcopy(&[option("--dump-section").as_ref(), module.as_ref(), to.as_ref()])?;
    let mut bytes = fs::read(&info).map_err(CacheError::io("read", &info))?;
    bytes.extend_from_slice(IN_TREE);
    fs::write(&info, bytes).map_err(CacheError::io("write", &info))?;
    objcopy(&[option("--update-section").as_ref(), module.as_ref(), to.as_ref()])?;
    Ok(fs::remove_file(&info).map_err(CacheError::io("remove", &info))?)
}

fn objcopy(arguments: &[&std::ffi::OsStr]) -> Result<(), WorkshopError> {
    let failed = |why: String| WorkshopError::Program { command: "objcopy", why };
    let mut command = Command::new("objcopy");
    command.args(arguments);
    let output = process::output(command, Manner::Kill, None).map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::its_own("./pci.o", "pci.o", true)]
    #[case::its_own_plainly("pci.o", "pci.o", true)]
    #[case::in_a_directory("core/mbox.o", "core/mbox.o", true)]
    #[case::absolute("/w/objects/core/mbox.o", "core/mbox.o", true)]
    #[case::of_the_same_name_below("core/pci.o", "pci.o", false)]
    #[case::of_the_same_name_below_absolutely("/w/objects/core/pci.o", "pci.o", false)]
    #[case::of_the_same_name_above("./pci.o", "core/pci.o", false)]
    fn an_object_is_known_by_its_whole_path(#[case] part: &str, #[case] object: &str, #[case] is: bool) {
        assert_eq!(is_object(Path::new(part), Path::new(object)), is);
    }
}
