//! The modules that a guest loads of a distribution's kernel: what is under test, and what the guest speaks by.
//!
//! What a module needs comes from its own `.modinfo`, as depmod reads it: a package's `modules.dep` is made when it is
//! installed. Reads modules and copies them; loads none.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::CacheError;
use crate::entry;
use crate::modules::{self, ModuleError, builtin, load_order};

/// A module with the option that makes it one, and whether nothing stands in for it.
struct Wanted {
    name: &'static str,
    option: &'static str,
    needed: bool,
}

const fn wanted(name: &'static str, option: &'static str, needed: bool) -> Wanted {
    Wanted { name, option, needed }
}

/// In the order of loading. Where there is no virtio a guest speaks by its second serial line.
const WANTED: [Wanted; 9] = [
    wanted("virtio_pci", "CONFIG_VIRTIO_PCI", false),
    wanted("virtio_console", "CONFIG_VIRTIO_CONSOLE", false),
    wanted("fwctl", "CONFIG_FWCTL", true),
    wanted("edac_core", "CONFIG_EDAC", true),
    wanted("cxl_port", "CONFIG_CXL_PORT", true),
    wanted("cxl_acpi", "CONFIG_CXL_ACPI", true),
    wanted("cxl_pmem", "CONFIG_CXL_PMEM", true),
    wanted("cxl_mem", "CONFIG_CXL_MEM", true),
    wanted("cxl_pci", "CONFIG_CXL_PCI", true),
];

/// The options by which a kernel unpacks a module of this ending by itself.
const UNPACKS: [(&str, &str); 3] = [
    ("xz", "CONFIG_MODULE_COMPRESS_XZ"),
    ("zst", "CONFIG_MODULE_COMPRESS_ZSTD"),
    ("gz", "CONFIG_MODULE_COMPRESS_GZIP"),
];

/// Why there are no modules to load.
#[derive(Debug)]
pub(super) enum Failed {
    /// The files are not what they have to be: in words.
    Wrong(String),
    /// A file of ours could not be written.
    Cache(CacheError),
}

impl From<CacheError> for Failed {
    fn from(error: CacheError) -> Self {
        Self::Cache(error)
    }
}

/// What a config says of an option.
pub(super) type Says<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The names of all of them, for a recipe.
pub(crate) fn names() -> Vec<String> {
    WANTED.iter().map(|wanted| wanted.name.to_owned()).collect()
}

/// Copies the modules that a guest has to load out of `dir`, a `lib/modules/VERSION`, into the entry; gives their places
/// below it, each behind what it needs. `option` is what the kernel's config says of one, nothing where no config is
/// known: then what is there is taken.
///
/// A module that the kernel cannot unpack is unpacked here; a signature stands at the end of the unpacked bytes and stays
/// there.
pub(super) fn take(
    dir: Option<&Path>,
    release: &str,
    option: Option<&Says>,
    entry_dir: &Path,
) -> Result<Vec<PathBuf>, Failed> {
    let as_modules: Vec<&Wanted> = WANTED
        .iter()
        .filter(|wanted| option.is_none_or(|option| option(wanted.option).as_deref() == Some("m")))
        .collect();
    let Some(dir) = dir else {
        let missing: Vec<_> = as_modules.iter().filter(|wanted| wanted.needed).collect();
        if option.is_none() || missing.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = missing.iter().map(|wanted| format!("{}=m", wanted.option)).collect();
        return Err(Failed::Wrong(format!(
            "no modules of {release}, but its config says {}",
            names.join(", ")
        )));
    };
    let wrong = |error: ModuleError| Failed::Wrong(told(&error));
    let here = modules::names(dir).map_err(wrong)?;
    let built_in = builtin(dir).map_err(wrong)?;
    let missing: Vec<_> = as_modules
        .iter()
        .filter(|wanted| option.is_some() && wanted.needed)
        .filter(|wanted| !here.contains(wanted.name) && !built_in.contains(wanted.name))
        .map(|wanted| format!("{} ({}=m)", wanted.name, wanted.option))
        .collect();
    if !missing.is_empty() {
        return Err(Failed::Wrong(format!("no module {}", missing.join(", "))));
    }
    let roots: Vec<String> = as_modules
        .iter()
        .filter(|wanted| here.contains(wanted.name))
        .map(|wanted| wanted.name.to_owned())
        .collect();
    let order = load_order(dir, &roots).map_err(wrong)?;
    let target = entry_dir.join(entry::MODULES);
    fs::create_dir_all(&target).map_err(CacheError::io("make the directory", &target))?;
    let unpacks = |ending: &str| {
        let is = |name: &str| option.and_then(|option| option(name)).as_deref() == Some("y");
        let own = UNPACKS.iter().find(|(known, _)| *known == ending);
        is("CONFIG_MODULE_DECOMPRESS") && own.is_some_and(|(_, option)| is(option))
    };
    let mut places = Vec::new();
    for path in order {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let bytes = modules::unpacked(&path).map_err(wrong)?;
        if let Some(of) = modules::release(&bytes).filter(|of| of != release) {
            return Err(Failed::Wrong(format!(
                "the module {name} is of another version: it is made for {of}, and the image calls itself {release}"
            )));
        }
        let (stem, ending) = name.split_once(".ko").unwrap_or((name, ""));
        let keep = ending.is_empty() || unpacks(ending.trim_start_matches('.'));
        let name = if keep { name.to_owned() } else { format!("{stem}.ko") };
        let place = Path::new(entry::MODULES).join(&name);
        let to = entry_dir.join(&place);
        let written = if keep { fs::copy(&path, &to).map(|_| ()) } else { fs::write(&to, bytes) };
        written.map_err(CacheError::io("write", &to))?;
        places.push(place);
    }
    Ok(places)
}

/// An error in words that name no file of ours.
fn told(error: &ModuleError) -> String {
    let file = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match error {
        ModuleError::Read { path, source } => format!("cannot read {}: {source}", file(path)),
        ModuleError::Missing { name, wanted_by, .. } => {
            format!("no module {name}, which {wanted_by} needs")
        }
        ModuleError::NotAModule { path, why } => format!("{} is no kernel module: {why}", file(path)),
        ModuleError::Chain { .. } | ModuleError::Circle { .. } => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::modules::tests::module_of;

    const RELEASE: &str = "7.3.4-1-amd64";

    /// What a test's config says.
    fn config(text: &str) -> impl Fn(&str) -> Option<String> {
        let text = text.to_owned();
        move |name: &str| {
            text.split(' ').find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
        }
    }

    /// A directory of modules, and one for what is taken.
    fn dirs(files: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("kernel")).expect("made");
        fs::create_dir(&to).expect("made");
        for (name, bytes) in files {
            fs::write(from.join("kernel").join(name), bytes).expect("written");
        }
        (dir, from, to)
    }

    fn module(depends: &str) -> Vec<u8> {
        module_of(&format!("depends={depends}\0vermagic={RELEASE} SMP preempt"))
    }

    fn signed(depends: &str) -> Vec<u8> {
        [module(depends), b"0123~Module signature appended~\n".to_vec()].concat()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        std::io::Read::read_to_end(&mut liblzma::read::XzEncoder::new(bytes, 0), &mut out).expect("packed");
        out
    }

    fn names(places: &[PathBuf]) -> Vec<&str> {
        places.iter().filter_map(|place| place.strip_prefix("modules").ok()?.to_str()).collect()
    }

    #[test]
    fn what_the_config_makes_a_module_is_taken_behind_what_it_needs() {
        let (_dir, from, to) = dirs(&[
            ("cxl_pci.ko", module("cxl_core,fwctl")),
            ("cxl_core.ko", module("")),
            ("fwctl.ko", module("")),
            ("cxl_mem.ko", module("")),
            ("other.ko", module("")),
        ]);
        let option = config("CONFIG_CXL_PCI=m CONFIG_FWCTL=m CONFIG_CXL_MEM=y");
        let places = take(Some(&from), RELEASE, Some(&option), &to).expect("taken");
        assert_eq!(names(&places), ["fwctl.ko", "cxl_core.ko", "cxl_pci.ko"]);
        assert_eq!(fs::read_dir(to.join("modules")).expect("read").count(), 3);
    }

    #[test]
    fn where_no_config_is_known_what_is_there_is_taken() {
        let (_dir, from, to) = dirs(&[("cxl_pci.ko", module("")), ("virtio_pci.ko", module(""))]);
        let places = take(Some(&from), RELEASE, None, &to).expect("taken");
        assert_eq!(names(&places), ["virtio_pci.ko", "cxl_pci.ko"]);
    }

    #[rstest]
    #[case::it_cannot("CONFIG_CXL_PCI=m", "cxl_pci.ko", signed(""))]
    #[case::it_can_others(
        "CONFIG_CXL_PCI=m CONFIG_MODULE_DECOMPRESS=y CONFIG_MODULE_COMPRESS_ZSTD=y",
        "cxl_pci.ko",
        signed("")
    )]
    #[case::it_can(
        "CONFIG_CXL_PCI=m CONFIG_MODULE_DECOMPRESS=y CONFIG_MODULE_COMPRESS_XZ=y",
        "cxl_pci.ko.xz",
        xz(&signed(""))
    )]
    fn a_module_is_unpacked_here_only_where_the_kernel_cannot_and_keeps_its_signature(
        #[case] options: &str,
        #[case] name: &str,
        #[case] bytes: Vec<u8>,
    ) {
        let (_dir, from, to) = dirs(&[("cxl_pci.ko.xz", xz(&signed("")))]);
        let places = take(Some(&from), RELEASE, Some(&config(options)), &to).expect("taken");
        assert_eq!(names(&places), [name]);
        assert_eq!(fs::read(to.join("modules").join(name)).expect("there"), bytes);
    }

    fn wrong(files: &[(&str, Vec<u8>)], options: &str) -> String {
        let (_dir, from, to) = dirs(files);
        match take(Some(&from), RELEASE, Some(&config(options)), &to) {
            Err(Failed::Wrong(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case::not_there(&[("other.ko", module(""))], "CONFIG_CXL_PCI=m", "no module cxl_pci (CONFIG_CXL_PCI=m)")]
    #[case::a_needed_one_is_not(
        &[("cxl_pci.ko", module("cxl_core"))], "CONFIG_CXL_PCI=m", "no module cxl_core, which cxl_pci needs")]
    #[case::of_another_version(
        &[("cxl_pci.ko", module_of("vermagic=7.3.5 SMP\0depends="))], "CONFIG_CXL_PCI=m",
        "made for 7.3.5, and the image calls itself 7.3.4-1-amd64")]
    #[case::no_module(&[("cxl_pci.ko", b"MZ".to_vec())], "CONFIG_CXL_PCI=m", "cxl_pci.ko is no kernel module")]
    fn modules_that_do_not_fit_are_refused_by_name(
        #[case] files: &[(&str, Vec<u8>)],
        #[case] options: &str,
        #[case] said: &str,
    ) {
        let why = wrong(files, options);
        assert!(why.contains(said) && !why.contains('/'), "{why}");
    }

    #[rstest]
    #[case::all_built_in("CONFIG_CXL_PCI=y", true)]
    #[case::modules("CONFIG_CXL_PCI=m", false)]
    #[case::only_what_another_stands_in_for("CONFIG_VIRTIO_PCI=m", true)]
    fn a_kernel_comes_without_modules_only_where_it_has_none(#[case] options: &str, #[case] works: bool) {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(take(None, RELEASE, Some(&config(options)), dir.path()).is_ok(), works);
    }
}
