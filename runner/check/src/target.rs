//! A kernel with what is expected of it.

use std::path::Path;

use scrubjay_engine::{Kept, Kernel};
use scrubjay_kernels::{Fwctl, Image, ImageError, Manifest};
use scrubjay_verdict::{Expectation, Release};
use scrubjay_wire::Lack;

/// A kernel to be checked.
#[derive(Clone, Debug)]
pub struct Target {
    /// What is booted.
    pub kernel: Kernel,
    /// What its version says, `7.3.4`.
    pub release: String,
    /// What is expected of it.
    pub expectation: Expectation,
}

impl Target {
    /// A kernel of the catalogue.
    pub fn new(manifest: &Manifest, image: &Image) -> Self {
        let release = manifest.history.unmodified.then(|| Release::leading(&manifest.version)).flatten();
        let absent = match &manifest.fwctl {
            Fwctl::Present => None,
            Fwctl::Absent { reason } => Some(reason.clone()),
        };
        let kernel = kernel(&manifest.id, image);
        let expectation =
            Expectation { release, absent, by_config: kernel.absent.is_some(), ..Expectation::default() };
        Target { kernel, release: image.release.clone(), expectation }
    }

    /// A kernel that is named by its file: fwctl is expected of it, and the changes of a release if it
    /// calls itself just that. What a vendor or a tree with commits of its own added to the name says
    /// that it is no release as it was made.
    ///
    /// # Errors
    /// A file that is no kernel.
    pub fn from_file(path: &Path) -> Result<Self, ImageError> {
        let image = Image::from_file(path)?;
        let expectation = Expectation { release: image.release.parse().ok(), ..Expectation::default() };
        Ok(Target { kernel: kernel(&image.release, &image), release: image.release, expectation })
    }
}

/// What makes a kernel several times slower: checks of each memory access or lock.
const INSTRUMENTS: [&str; 4] = ["CONFIG_KASAN", "CONFIG_KCSAN", "CONFIG_KMSAN", "CONFIG_PROVE_LOCKING"];

fn kernel(id: &str, image: &Image) -> Kernel {
    Kernel {
        id: id.to_owned(),
        image: image.bzimage.clone(),
        modules: image.modules.clone(),
        hz: image.option("CONFIG_HZ").and_then(|hz| hz.parse().ok()),
        instrumented: instrumented(|option| image.option(option)),
        without: match image.config {
            Some(_) => Lack::ALL
                .iter()
                .filter_map(|lack| Some((*lack, without(*lack, |o| image.option(o))?)))
                .collect(),
            None => Default::default(),
        },
        absent: image
            .shipped_without_fwctl()
            .map(|why| format!("its config says so, and nothing was booted: {why}")),
        has: Lack::ALL.iter().filter_map(|lack| Some((*lack, has(*lack, |o| image.option(o))?))).collect(),
        kept: Kept::default(),
    }
}

/// The option by which a kernel has this whatever it is told on its command line. Nothing where there is none: some
/// things are there only if other things are.
fn has(lack: Lack, option: impl Fn(&str) -> Option<String>) -> Option<String> {
    let is = |name: &str, value: &str| option(name).as_deref() == Some(value);
    let name = match lack {
        Lack::Fwctl => "CONFIG_FWCTL",
        Lack::Edac => "CONFIG_EDAC",
        // Another list of security modules can leave it out.
        Lack::Lockdown => "CONFIG_SECURITY_LOCKDOWN_LSM_EARLY",
        Lack::UserNamespaces => "CONFIG_USER_NS",
        Lack::Stack => "CONFIG_STACKTRACE",
        Lack::Ia32 if is("CONFIG_IA32_EMULATION_DEFAULT_DISABLED", "y") => return None,
        Lack::Ia32 => "CONFIG_IA32_EMULATION",
        Lack::Taint => "CONFIG_PROC_SYSCTL",
        Lack::PcieHotplug => "CONFIG_HOTPLUG_PCI_PCIE",
        Lack::RawCommands => "CONFIG_CXL_MEM_RAW_COMMANDS",
        Lack::RawRefusal => {
            let name = "CONFIG_CXL_MEM_RAW_COMMANDS";
            return is(name, "n").then(|| format!("{name}=n"));
        }
        Lack::Modules | Lack::SlubDebug => return None,
    };
    is(name, "y").then(|| format!("{name}=y"))
}

/// How a kernel comes to be without this, as its config says; nothing where another thing decides.
fn without(lack: Lack, option: impl Fn(&str) -> Option<String>) -> Option<String> {
    let name = match lack {
        Lack::Fwctl => "CONFIG_FWCTL",
        Lack::Edac => "CONFIG_EDAC",
        Lack::Lockdown => "CONFIG_SECURITY_LOCKDOWN_LSM",
        Lack::UserNamespaces => "CONFIG_USER_NS",
        Lack::Stack => "CONFIG_STACKTRACE",
        Lack::Ia32 => "CONFIG_IA32_EMULATION",
        Lack::PcieHotplug => "CONFIG_HOTPLUG_PCI_PCIE",
        Lack::Taint | Lack::Modules | Lack::SlubDebug | Lack::RawCommands | Lack::RawRefusal => return None,
    };
    Some(match option(name).as_deref() {
        None | Some("n") => format!("built without {name}"),
        Some("m") => format!("{name} is a module, and none of it is loaded"),
        Some(_) => format!("built with {name}, which is not in effect"),
    })
}

fn instrumented(option: impl Fn(&str) -> Option<String>) -> bool {
    INSTRUMENTS.iter().any(|name| option(name).as_deref() == Some("y"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::built_in("CONFIG_FWCTL=y", Lack::Fwctl, Some("CONFIG_FWCTL=y"))]
    #[case::a_module_may_not_load("CONFIG_FWCTL=m", Lack::Fwctl, None)]
    #[case::not_said("CONFIG_FWCTL=y", Lack::Edac, None)]
    #[case::raw("CONFIG_CXL_MEM_RAW_COMMANDS=y", Lack::RawCommands, Some("CONFIG_CXL_MEM_RAW_COMMANDS=y"))]
    #[case::no_raw("CONFIG_CXL_MEM_RAW_COMMANDS=n", Lack::RawRefusal, Some("CONFIG_CXL_MEM_RAW_COMMANDS=n"))]
    #[case::raw_is_not_said("CONFIG_FWCTL=y", Lack::RawRefusal, None)]
    #[case::the_32_bit_entry("CONFIG_IA32_EMULATION=y", Lack::Ia32, Some("CONFIG_IA32_EMULATION=y"))]
    #[case::the_32_bit_entry_switched_off(
        "CONFIG_IA32_EMULATION=y CONFIG_IA32_EMULATION_DEFAULT_DISABLED=y",
        Lack::Ia32,
        None
    )]
    fn an_option_tells_what_a_kernel_cannot_lack(
        #[case] config: &str,
        #[case] lack: Lack,
        #[case] expected: Option<&str>,
    ) {
        let value = |name: &str| {
            config.split(' ').find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
        };
        assert_eq!(has(lack, value).as_deref(), expected);
    }

    #[rstest]
    #[case::unset("", Lack::Edac, Some("built without CONFIG_EDAC"))]
    #[case::a_module("CONFIG_EDAC=m", Lack::Edac, Some("CONFIG_EDAC is a module, and none of it is loaded"))]
    #[case::switched_off(
        "CONFIG_IA32_EMULATION=y",
        Lack::Ia32,
        Some("built with CONFIG_IA32_EMULATION, which is not in effect")
    )]
    #[case::another_thing_decides("", Lack::Modules, None)]
    fn a_config_tells_how_a_kernel_comes_to_be_without(
        #[case] config: &str,
        #[case] lack: Lack,
        #[case] expected: Option<&str>,
    ) {
        let value = |name: &str| {
            config.split(' ').find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
        };
        assert_eq!(without(lack, value).as_deref(), expected);
    }

    #[rstest]
    #[case::plain("reference.config", false)]
    #[case::with_slub_debug("slub-debug.config", false)]
    #[case::instrumented("instrumented.config", true)]
    fn a_fragment_tells_whether_a_kernel_is_slow(#[case] fragment: &str, #[case] expected: bool) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernels").join(fragment);
        let text = fs::read_to_string(path).unwrap();
        let option = |name: &str| {
            let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned());
            text.lines().find_map(value)
        };
        assert_eq!(instrumented(option), expected);
    }
}
