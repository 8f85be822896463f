//! Where the vectors and the kernels' manifests are, and what is read from there.

use std::env;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::Offset;
use scrubjay_kernels::{Catalogue, Resolver};
use scrubjay_session::Sessions;
use scrubjay_verdict::{Library, Waivers};

use crate::failure::{Result, Usage};

/// The variable that names the root.
const VARIABLE: &str = "SCRUBJAY_ROOT";

/// The directory that holds `vectors` and `kernels`.
pub struct Context {
    /// That directory.
    pub root: PathBuf,
}

impl Context {
    /// Finds it: as named, as the environment says, upward from the current directory, or the source
    /// tree that this was built from.
    pub fn find(named: Option<&Path>) -> Result<Self> {
        let variable = env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        for (how, path) in [("--root", named.map(Path::to_owned)), (VARIABLE, variable)] {
            if let Some(root) = path {
                return match is_root(&root) {
                    true => Ok(Context { root }),
                    false => {
                        Err(Usage(format!("{how}: {}: there is no vectors/ in it", root.display())).into())
                    }
                };
            }
        }
        let here = env::current_dir().unwrap_or_default();
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let above = here.ancestors().map(Path::to_owned).find(|dir| is_root(dir));
        let root = above.or_else(|| built_from.canonicalize().ok().filter(|dir| is_root(dir)));
        root.map(|root| Context { root }).ok_or_else(|| {
            let why = format!("no vectors/ here or above: change to scrubjay's source tree, or name it in --root or {VARIABLE}");
            Usage(why).into()
        })
    }

    /// `root/vectors`.
    pub fn vectors(&self) -> PathBuf {
        self.root.join("vectors")
    }

    /// Everything below `vectors`.
    pub fn library(&self) -> Result<Library> {
        Ok(Library::load(&self.root)?)
    }

    /// What is let through: of the file named, else of the root. What day it is, is asked here and
    /// nowhere else.
    pub fn waivers(
        &self,
        named: Option<&Path>,
        sessions: &Sessions,
        catalogue: &Catalogue,
    ) -> Result<Waivers> {
        let today = Offset::UTC.to_datetime(Timestamp::now()).date();
        let is_kernel = |id: &str| catalogue.get(id).is_ok();
        Ok(match named {
            Some(path) => Waivers::load(path, today, sessions, &is_kernel)?,
            None => Waivers::load_default(&self.root, today, sessions, &is_kernel)?,
        })
    }

    /// The kernels' manifests.
    pub fn catalogue(&self) -> Result<Catalogue> {
        Ok(Catalogue::load(&self.root.join("kernels"))?)
    }

    /// What finds and makes their images.
    pub fn resolver(&self, kernel_cache: Option<&Path>) -> Result<Resolver> {
        if let Some(dir) = kernel_cache.filter(|dir| !dir.is_dir()) {
            return Err(Usage(format!("--kernel-cache: {}: no such directory", dir.display())).into());
        }
        Ok(Resolver::for_user(kernel_cache.map(Path::to_owned))?)
    }
}

/// Two directories deep, so that another project's `vectors` is not taken for ours.
fn is_root(dir: &Path) -> bool {
    dir.join("vectors/sessions").is_dir() && dir.join("vectors/devices").is_dir()
}
