//! Revisions of the kernel built as modules: one whole, and others upon it by what is different.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scrubjay_check::Target;
use scrubjay_kernels::{Catalogue, Config, Image, Manifest, Progress, Resolver, Workshop, WorkshopError};

use crate::args::MODULAR_KERNEL;
use crate::failure::{self, Failure, Result, Usage};

/// A revision that others are built upon.
pub struct Base {
    /// It, as it is built.
    pub manifest: Manifest,
    /// Its kernel, every module built as those of the others are.
    pub image: Image,
    workshop: Workshop,
}

/// What came of building a revision upon a base.
pub enum Rebuilt {
    /// The base's kernel with the modules that are different.
    Image(Box<Image>),
    /// make refused, with its words.
    DoesNotBuild(String),
    /// This file is part of no module, so modules are not enough.
    NoModule(PathBuf),
}

/// A revision of the repository at `tree`, as `check --kernel` takes it.
pub fn called(tree: &Path, revision: &str) -> String {
    format!("git:{}@{revision}", tree.display())
}

/// The config of a kernel whose CXL drivers are modules.
///
/// # Errors
/// The catalogue has none.
pub fn modular(catalogue: &Catalogue) -> Result<Config> {
    let like = catalogue.get(MODULAR_KERNEL)?;
    let no_config =
        || Usage(format!("{}: is not built, so no kernel can be built as it", like.path.display()));
    Ok(like.config.clone().ok_or_else(no_config)?)
}

/// A revision built so that a guest loads what is under test.
pub fn as_modules(revision: &Manifest, modular: &Config, keep_tree: bool) -> Manifest {
    let config = Config { loose: true, absent: BTreeMap::new(), keep_tree, ..modular.clone() };
    let id = format!("{}, as modules", revision.id);
    Manifest { id, config: Some(config), ..revision.clone() }
}

impl Base {
    /// Builds a revision whole, and then each of its modules as those of the others are built: these differ from it in
    /// what comes of their sources, and in nothing else.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn build(
        revision: &Manifest,
        modular: &Config,
        resolver: &Resolver,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let manifest = as_modules(revision, modular, true);
        let built = resolver.obtain(&manifest, progress)?;
        let image = Workshop::new(resolver, &manifest, &built)?.unchanged(progress)?;
        let workshop = Workshop::new(resolver, &manifest, &image)?;
        Ok(Self { manifest, image, workshop })
    }

    /// The revision whose sources, where they are not the base's, are these.
    ///
    /// # Errors
    /// Those that are no fault of the sources.
    pub fn rebuilt(
        &self,
        sources: &BTreeMap<PathBuf, String>,
        progress: &mut dyn Progress,
    ) -> Result<Rebuilt> {
        match self.workshop.all_changed(sources, progress) {
            Ok(image) => Ok(Rebuilt::Image(Box::new(image))),
            Err(WorkshopError::NoModule { file, .. }) => Ok(Rebuilt::NoModule(file)),
            Err(error @ WorkshopError::Make { .. }) => {
                Ok(Rebuilt::DoesNotBuild(failure::told(&Failure::from(error))))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A kernel upon this base, called `id`.
    pub fn target(&self, image: &Image, id: &str) -> Target {
        let mut target = Target::new(&self.manifest, image);
        target.kernel.id = id.to_owned();
        target
    }
}
