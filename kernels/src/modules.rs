//! Which modules a guest has to load, and in which order: read from the modules themselves.
//!
//! A package's `modules.dep` is made when it is installed, so the dependencies come from each module's `.modinfo`
//! section (`depends`, `softdep`). Reads modules; loads none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use object::{Architecture, Object, ObjectSection};

use crate::unpack::decoder;

/// The largest module that is read, in bytes: ten times a distribution's largest with its debug information.
const LARGEST_MODULE: u64 = 256 << 20;
/// The longest way from a module to what it needs in the end; real ones are below ten.
const DEEPEST: usize = 64;

/// Why the modules of a kernel cannot be put in order.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The module, `modules.builtin`, or the directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel has no such module, neither loadable nor built in.
    #[error("this kernel has no module {name}, which {wanted_by} needs; it is neither in {} nor in modules.builtin", dir.display())]
    Missing {
        /// The module.
        name: String,
        /// What asks for it: the manifest, or another module.
        wanted_by: String,
        /// Where was looked.
        dir: PathBuf,
    },
    /// A file is no kernel module.
    #[error("{} is no kernel module: {why}", path.display())]
    NotAModule {
        /// The file.
        path: PathBuf,
        /// What tells.
        why: String,
    },
    /// A chain of modules without end.
    #[error("the module {name} is needed by way of more than {DEEPEST} others; a kernel has no such chain")]
    Chain {
        /// The module where it was given up.
        name: String,
    },
    /// Modules that need each other.
    #[error("the module {name} depends on itself by way of {by}")]
    Circle {
        /// The module.
        name: String,
        /// The last one of the circle.
        by: String,
    },
}

/// The modules below a `lib/modules/VERSION` directory that have to be loaded for `roots`, each behind those that it
/// depends on. Built-in ones are left out.
pub(crate) fn load_order(dir: &Path, roots: &[String]) -> Result<Vec<PathBuf>, ModuleError> {
    let mut search = Search::new(dir, builtin(dir)?);
    search.index(dir)?;
    for root in roots {
        search.visit(&canonical(root), "the manifest")?;
    }
    Ok(search.order)
}

struct Search<'a> {
    dir: &'a Path,
    files: BTreeMap<String, PathBuf>,
    builtin: BTreeSet<String>,
    order: Vec<PathBuf>,
    done: BTreeSet<String>,
    open: BTreeSet<String>,
    /// Modules between the root and the one that is visited.
    depth: usize,
}

impl<'a> Search<'a> {
    fn new(dir: &'a Path, builtin: BTreeSet<String>) -> Self {
        Search {
            dir,
            files: BTreeMap::new(),
            builtin,
            order: Vec::new(),
            done: BTreeSet::new(),
            open: BTreeSet::new(),
            depth: 0,
        }
    }

    fn index(&mut self, dir: &Path) -> Result<(), ModuleError> {
        let failed = |source| ModuleError::Read { path: dir.to_owned(), source };
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                self.index(&path)?;
            } else if let Some(name) = module_name(&path) {
                self.files.insert(name, path);
            }
        }
        Ok(())
    }

    fn visit(&mut self, name: &str, wanted_by: &str) -> Result<(), ModuleError> {
        if self.depth > DEEPEST {
            return Err(ModuleError::Chain { name: name.to_owned() });
        }
        self.depth += 1;
        let result = self.visit_here(name, wanted_by);
        self.depth -= 1;
        result
    }

    fn visit_here(&mut self, name: &str, wanted_by: &str) -> Result<(), ModuleError> {
        if self.done.contains(name) || self.builtin.contains(name) {
            return Ok(());
        }
        let Some(path) = self.files.get(name).cloned() else {
            return Err(ModuleError::Missing {
                name: name.to_owned(),
                wanted_by: wanted_by.to_owned(),
                dir: self.dir.to_owned(),
            });
        };
        if !self.open.insert(name.to_owned()) {
            return Err(ModuleError::Circle { name: name.to_owned(), by: wanted_by.to_owned() });
        }
        let needs = Needs::read(&path)?;
        for soft in &needs.before {
            self.visit_soft(soft, name)?;
        }
        for needed in &needs.depends {
            self.visit(needed, name)?;
        }
        self.open.remove(name);
        self.done.insert(name.to_owned());
        self.order.push(path);
        for soft in &needs.after {
            self.visit_soft(soft, name)?;
        }
        Ok(())
    }

    /// A soft dependency may be missing, and may point back.
    fn visit_soft(&mut self, name: &str, wanted_by: &str) -> Result<(), ModuleError> {
        if self.files.contains_key(name) && !self.open.contains(name) {
            self.visit(name, wanted_by)?;
        }
        Ok(())
    }
}

/// What one module says that it needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Modules that have to be loaded before (`depends`).
    pub depends: Vec<String>,
    /// Modules that are loaded before, where there are such (`softdep`, `pre:`).
    pub before: Vec<String>,
    /// Modules that are loaded afterwards, where there are such (`softdep`, `post:`).
    pub after: Vec<String>,
}

impl Needs {
    fn read(path: &Path) -> Result<Self, ModuleError> {
        let not = |why: String| ModuleError::NotAModule { path: path.to_owned(), why };
        Self::of(&unpacked(path)?).map_err(not)
    }

    /// What the bytes of a module say, unpacked.
    ///
    /// # Errors
    /// In words, what tells that it is no module for x86-64.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        modinfo(bytes).map(Self::parse)
    }

    /// Reads the strings `key=value` of a `.modinfo` section.
    fn parse(info: &[u8]) -> Self {
        let mut needs = Self::default();
        for entry in info.split(|&byte| byte == 0).filter_map(|text| std::str::from_utf8(text).ok()) {
            if let Some(list) = entry.strip_prefix("depends=") {
                needs.depends.extend(list.split(',').filter(|name| !name.is_empty()).map(canonical));
            } else if let Some(soft) = entry.strip_prefix("softdep=") {
                let mut after = false;
                for word in soft.split_whitespace() {
                    match word {
                        "pre:" => after = false,
                        "post:" => after = true,
                        name if after => needs.after.push(canonical(name)),
                        name => needs.before.push(canonical(name)),
                    }
                }
            }
        }
        needs
    }
}

/// The bytes of a module, unpacked.
pub(crate) fn unpacked(path: &Path) -> Result<Vec<u8>, ModuleError> {
    let failed = |source| ModuleError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    decoder(path, file)
        .and_then(|module| module.take(LARGEST_MODULE + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST_MODULE {
        let why = format!("it unpacks to more than {LARGEST_MODULE} bytes");
        return Err(ModuleError::NotAModule { path: path.to_owned(), why });
    }
    Ok(bytes)
}

/// The kernel that a module is made for, where it says so (`vermagic`).
pub(crate) fn release(bytes: &[u8]) -> Option<String> {
    let mut entries = modinfo(bytes).ok()?.split(|&byte| byte == 0);
    let magic = entries.find_map(|entry| std::str::from_utf8(entry).ok()?.strip_prefix("vermagic="))?;
    magic.split(' ').next().map(str::to_owned)
}

/// The names of the modules below a directory.
pub(crate) fn names(dir: &Path) -> Result<BTreeSet<String>, ModuleError> {
    let mut search = Search::new(dir, BTreeSet::new());
    search.index(dir)?;
    Ok(search.files.into_keys().collect())
}

fn modinfo(bytes: &[u8]) -> Result<&[u8], String> {
    let elf = object::File::parse(bytes).map_err(|error| error.to_string())?;
    if elf.architecture() != Architecture::X86_64 {
        return Err("it is for another architecture than x86-64".to_owned());
    }
    let info = elf.section_by_name(".modinfo").ok_or("it has no .modinfo section")?;
    info.data().map_err(|error| error.to_string())
}

/// The modules that are built in, as `modules.builtin` has them; none where there is no such file.
pub(crate) fn builtin(dir: &Path) -> Result<BTreeSet<String>, ModuleError> {
    let path = dir.join("modules.builtin");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.map_err(|source| ModuleError::Read { path, source })?,
    };
    Ok(text.lines().filter_map(|line| module_name(Path::new(line))).collect())
}

/// A module's name from its file, or nothing for another file.
pub(crate) fn module_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (stem, rest) = name.split_once(".ko")?;
    matches!(rest, "" | ".xz" | ".zst" | ".gz").then(|| canonical(stem))
}

/// The kernel takes `-` and `_` in a module's name for the same.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
pub(crate) mod tests {
    use object::write::{Object, StandardSegment};
    use object::{BinaryFormat, Endianness, SectionKind};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(b"name=a\0depends=\0", &[], &[], &[])]
    #[case(b"depends=cxl-pmem,libnvdimm\0", &["cxl_pmem", "libnvdimm"], &[], &[])]
    #[case(b"softdep=pre: cxl_port post: x y\0depends=b\0", &["b"], &["cxl_port"], &["x", "y"])]
    fn a_modules_needs_are_read_from_its_modinfo(
        #[case] info: &[u8],
        #[case] depends: &[&str],
        #[case] before: &[&str],
        #[case] after: &[&str],
    ) {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let needs = Needs { depends: owned(depends), before: owned(before), after: owned(after) };
        assert_eq!(Needs::parse(info), needs);
    }

    #[rstest]
    #[case("kernel/drivers/cxl/cxl_mem.ko", Some("cxl_mem"))]
    #[case("virtio-rng.ko.xz", Some("virtio_rng"))]
    #[case("a.ko.zst", Some("a"))]
    #[case("modules.order", None)]
    #[case("a.ko.debug", None)]
    fn a_modules_name_comes_from_its_file(#[case] path: &str, #[case] name: Option<&str>) {
        assert_eq!(module_name(Path::new(path)).as_deref(), name);
    }

    /// A module for an architecture, as far as its `.modinfo` goes.
    fn module(architecture: Architecture, info: &str) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
        let segment = object.segment_name(StandardSegment::Data).to_vec();
        let section = object.add_section(segment, b".modinfo".to_vec(), SectionKind::ReadOnlyData);
        object.append_section_data(section, format!("{info}\0").as_bytes(), 1);
        object.write().expect("an object")
    }

    /// A module for x86-64.
    pub(crate) fn module_of(info: &str) -> Vec<u8> {
        module(Architecture::X86_64, info)
    }

    /// A directory of modules.
    fn lib_modules(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("modules.builtin"), "").expect("written");
        for (name, bytes) in files {
            fs::write(dir.path().join(name), bytes).expect("written");
        }
        dir
    }

    #[rstest]
    #[case::no_elf_file("m.ko", b"MZ".to_vec(), "no kernel module")]
    #[case::another_architecture("m.ko", module(Architecture::Aarch64, "depends="), "another architecture")]
    #[case::unpacks_without_end(
        "m.ko.zst", zstd::encode_all(io::repeat(0).take(LARGEST_MODULE + 1), 1).expect("packed"), "unpacks to more"
    )]
    fn a_module_that_is_none_is_refused_by_name(
        #[case] name: &str,
        #[case] bytes: Vec<u8>,
        #[case] why: &str,
    ) {
        let dir = lib_modules(&[(name, bytes)]);
        let error = load_order(dir.path(), &["m".to_owned()]).expect_err("refused").to_string();
        assert!(error.contains(name) && error.contains(why), "{error}");
    }

    #[rstest]
    #[case::needed("depends=")]
    #[case::before("softdep=pre: ")]
    #[case::after("softdep=post: ")]
    fn a_chain_of_modules_without_end_is_given_up(#[case] key: &str) {
        let link = |i: usize| {
            let bytes = module(Architecture::X86_64, &format!("{key}m{}", i + 1));
            (format!("m{i}.ko"), bytes)
        };
        let of = |count: usize| {
            let mut files: Vec<_> = (0..count).map(link).collect();
            files.push((format!("m{count}.ko"), module(Architecture::X86_64, "depends=")));
            let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
            let dir = lib_modules(&files);
            load_order(dir.path(), &["m0".to_owned()])
        };
        assert_eq!(of(DEEPEST).expect("long, and has an end").len(), DEEPEST + 1);
        assert!(matches!(of(DEEPEST + 1), Err(ModuleError::Chain { .. })));
    }
}
