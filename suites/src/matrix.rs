//! The kernels that trials are made for, and those that are left out, with the reason.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use scrubjay_kernels::{Catalogue, Image, Manifest, PlainLines, Release, Resolver};
use scrubjay_session::Need;

/// The kernel that is built where it is not there.
pub const DEFAULT: &str = "7.3";

/// Names the kernels of the matrix, separated by commas or spaces, where it is not [`MATRIX`].
const VARIABLE: &str = "SCRUBJAY_KERNELS";

/// The releases around every change that is known, and one from before fwctl.
const MATRIX: &str = "6.12 6.16 7.1 7.2 7.3";

/// The release that merged CONFIG_PROC_SYSCTL into CONFIG_SYSCTL.
const PROC_SYSCTL_MERGED: Release = Release { major: 7, minor: 3 };

/// A kernel that trials are made for. One that is not here counts as left out, except [`DEFAULT`].
#[derive(Clone)]
pub struct Member {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its image; `None` where it is not here, or will be built by whoever needs it first.
    pub image: Option<Image>,
}

impl Member {
    /// Whether trials of it can be run.
    pub fn is_here(&self) -> bool {
        self.image.is_some() || self.manifest.id == DEFAULT
    }

    /// Its image, built if it is not here.
    ///
    /// # Errors
    /// Why there is none.
    pub fn image(&self) -> anyhow::Result<Image> {
        match &self.image {
            Some(image) => Ok(image.clone()),
            None => Ok(Resolver::for_user(None)?.obtain(&self.manifest, &mut PlainLines::new(io::stderr()))?),
        }
    }

    /// Whether its config, where one is known, says that it has what a session needs.
    pub fn has(&self, need: Need) -> bool {
        let option = match need {
            Need::Edac => "CONFIG_CXL_EDAC_MEM_FEATURES=y",
            Need::Ia32 => "CONFIG_IA32_EMULATION=y",
            Need::Lockdown => "CONFIG_SECURITY_LOCKDOWN_LSM=y",
            Need::UserNamespaces => "CONFIG_USER_NS=y",
            Need::Taint => "CONFIG_PROC_SYSCTL=y",
            Need::Modules => "CONFIG_CXL_PCI=m",
            Need::PcieHotplug => "CONFIG_HOTPLUG_PCI_PCIE=y",
            Need::SlubDebug => "CONFIG_SLUB_DEBUG=y",
            Need::RawCommands => "CONFIG_CXL_MEM_RAW_COMMANDS=y",
            Need::RawRefusal => "# CONFIG_CXL_MEM_RAW_COMMANDS is not set",
        };
        let config = self.image.as_ref().and_then(|image| image.config.as_ref());
        let config = config.and_then(|path| std::fs::read_to_string(path).ok());
        let merged = need == Need::Taint && self.manifest.history.release >= PROC_SYSCTL_MERGED;
        config.is_none_or(|config| merged || config.lines().any(|line| line == option))
    }
}

/// The directory that holds `vectors` and `kernels`.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The ids of the kernels of the matrix.
pub fn ids() -> Vec<String> {
    let wanted = std::env::var(VARIABLE).unwrap_or_else(|_| MATRIX.to_owned());
    wanted.split([' ', ',']).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// One kernel.
///
/// # Errors
/// There is no such kernel, a manifest is wrong, or an image is damaged.
pub fn member(id: &str) -> anyhow::Result<Member> {
    let catalogue = Catalogue::load(&root().join("kernels"))?;
    let manifest = catalogue.get(id)?.clone();
    let image = Resolver::for_user(None)?.find(&manifest).with_context(|| format!("kernel {id}"))?;
    Ok(Member { manifest, image })
}
