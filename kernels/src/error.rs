//! What can go wrong between a manifest and an image.

use std::path::PathBuf;

use crate::cache::CacheError;
use crate::config::ConfigError;
use crate::debian::ArchiveError;
use crate::fetch::FetchError;
use crate::git::GitError;
use crate::image::ImageError;
use crate::modules::ModuleError;
use crate::recipe::RecipeError;
use crate::series::SeriesError;
use crate::sign::SignError;
use crate::unpack::UnpackError;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(CacheError),
    /// A download failed.
    #[error(transparent)]
    Fetch(FetchError),
    /// An archive could not be unpacked.
    #[error(transparent)]
    Unpack(UnpackError),
    /// The fragment does not read, or an option of it did not take effect.
    #[error("kernel {id} cannot be configured")]
    Config {
        /// The kernel.
        id: String,
        /// What is wrong.
        source: ConfigError,
    },
    /// No package archive is known.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// git could not do its part.
    #[error(transparent)]
    Git(GitError),
    /// A series does not apply.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// There is no recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The image is none, or is another one.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The image's modules cannot be put in order.
    #[error("the modules of kernel {id} cannot be put in order")]
    Module {
        /// The kernel.
        id: String,
        /// What is wrong.
        source: ModuleError,
    },
    /// A module could not be signed.
    #[error("the modules of kernel {id} cannot be signed")]
    Sign {
        /// The kernel.
        id: String,
        /// What is wrong.
        source: SignError,
    },
    /// Programs that a build needs are not here.
    #[error("kernel {id} cannot be built: missing {}; run ci/setup, or install them", tools.join(", "))]
    MissingTools {
        /// The kernel.
        id: String,
        /// Their names.
        tools: Vec<&'static str>,
    },
    /// The disk has too little room for a build.
    #[error(
        "kernel {id} cannot be built: {free_mib} MiB free in {}, {needed_mib} MiB needed; make room, or set \
         XDG_CACHE_HOME to a roomier disk",
        path.display()
    )]
    NoRoom {
        /// The kernel.
        id: String,
        /// Where.
        path: PathBuf,
        /// What is free, in MiB.
        free_mib: u64,
        /// What is needed, in MiB.
        needed_mib: u64,
    },
    /// make failed.
    #[error("kernel {id}: make {target} failed ({status}); the whole log is {}, its end:\n{tail}", log.display())]
    Make {
        /// The kernel.
        id: String,
        /// The target.
        target: String,
        /// How make ended.
        status: String,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// make could not be started or read.
    #[error("kernel {id}: cannot run make")]
    RunMake {
        /// The kernel.
        id: String,
        /// Why.
        source: std::io::Error,
    },
    /// A local tree cannot be built as it is.
    #[error("kernel {id}: {} {what}", path.display())]
    Tree {
        /// The kernel.
        id: String,
        /// The tree.
        path: PathBuf,
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// A tree is not as it was when its build began.
    #[error("kernel {id}: {} changed while it was built, so nobody knows what was built; run it again", path.display())]
    Changed {
        /// The kernel.
        id: String,
        /// The tree.
        path: PathBuf,
    },
    /// An entry of the cache is not as it was made.
    #[error("{} is damaged ({why}); remove it, and it is built again when next asked for", dir.display())]
    Damaged {
        /// The entry.
        dir: PathBuf,
        /// What tells.
        why: String,
    },
    /// The packages hold no kernel image, or more than one, or what they hold does not fit together.
    #[error("kernel {id}: {what}; name the packages that hold vmlinuz, config and modules of one kernel")]
    Packages {
        /// The kernel.
        id: String,
        /// What was not found.
        what: String,
    },
    /// None of several sources could be had.
    #[error("kernel {id} cannot be fetched from any of its sources:\n{}", attempts.join("\n"))]
    NoSource {
        /// The kernel.
        id: String,
        /// Each source with what it failed on.
        attempts: Vec<String>,
    },
    /// The directory of prebuilt images is none.
    #[error(
        "no directory of prebuilt kernels: {}; name one that holds VERSION/bzImage (--kernel-cache, or \
         SCRUBJAY_KERNEL_CACHE), or none",
        path.display()
    )]
    NoKernelCache {
        /// What was named.
        path: PathBuf,
    },
    /// The caller asked to stop; unfinished work was removed, part files are kept.
    #[error("interrupted")]
    Interrupted,
}

impl KernelError {
    /// Whether another source of the same kernel may do better.
    pub(crate) fn is_of_the_source(&self) -> bool {
        match self {
            Self::Fetch(error) => !error.is_local(),
            Self::Archive(_) => true,
            _ => false,
        }
    }
}

impl From<CacheError> for KernelError {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Interrupted => Self::Interrupted,
            error => Self::Cache(error),
        }
    }
}

impl From<FetchError> for KernelError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Interrupted { .. } => Self::Interrupted,
            error => Self::Fetch(error),
        }
    }
}

impl From<UnpackError> for KernelError {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Interrupted { .. } => Self::Interrupted,
            error => Self::Unpack(error),
        }
    }
}
