//! The commits between two revisions of a repository: `git bisect` says which is next.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use scrubjay_check::bisect::{Built, Line};
use scrubjay_kernels::{
    Asked, Between, Bisection, Catalogue, Config, KernelError, Manifest, Mark, Resolver, Standing,
    revision_of,
};
use scrubjay_session::Session;

use crate::bisect::Told;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::lab;
use crate::revision::{self, Base, Rebuilt, as_modules};

/// The commits, and how they are built.
pub struct Commits<'a> {
    tree: &'a Path,
    catalogue: &'a Catalogue,
    resolver: &'a Resolver,
    sessions: Vec<&'a Session>,
    bisection: Bisection,
    modular: Config,
    good: Manifest,
    bad: Manifest,
    /// What others are built upon while modules are enough.
    base: Option<Base>,
    built_in: bool,
}

impl<'a> Commits<'a> {
    /// Between two revisions of the repository at `tree`; `sessions` are those that the kernels are wanted for.
    pub fn new(
        tree: &'a Path,
        [good, bad]: [&str; 2],
        catalogue: &'a Catalogue,
        resolver: &'a Resolver,
        sessions: Vec<&'a Session>,
    ) -> Result<Self> {
        let end = |rev: &str| revision_of(&called(tree, rev), tree, rev, None, catalogue);
        Ok(Self {
            tree,
            catalogue,
            resolver,
            sessions,
            good: end(good)?,
            bad: end(bad)?,
            bisection: Bisection::start(tree, good, bad).map_err(KernelError::Git)?,
            modular: revision::modular(catalogue)?,
            base: None,
            built_in: false,
        })
    }

    fn manifest(&self, place: &str) -> Result<Manifest> {
        let end = [&self.good, &self.bad].into_iter().find(|end| end.id == place);
        match end {
            Some(end) => Ok(end.clone()),
            None => {
                Ok(revision_of(&called(self.tree, short(place)), self.tree, place, None, self.catalogue)?)
            }
        }
    }

    fn whole(&self, manifest: Manifest) -> Result<Built> {
        let interrupt = Interrupt::listen();
        let id = manifest.id.clone();
        let asked = Asked::Made(Cow::Owned(manifest));
        let obtained = lab::obtain(&asked, &self.sessions, self.resolver, &interrupt)?;
        interrupt.done()?;
        Ok(match obtained.target {
            Ok((mut target, _)) => {
                target.kernel.id = id;
                Built::Target(Box::new(target))
            }
            Err(why) => Built::Not(why),
        })
    }

    fn is_as_good(&self, manifest: &Manifest) -> Result<bool> {
        let interrupt = Interrupt::listen();
        let between = self.resolver.between(&self.good, manifest, &mut interrupt.progress())?;
        Ok(between == Between::Nothing)
    }

    /// Modules upon the good end where these are enough; else the kernel with them.
    fn as_modules(&mut self, manifest: &Manifest) -> Result<Built> {
        match self.upon_good(manifest)? {
            Some(built) => Ok(built),
            None => self.whole(as_modules(manifest, &self.modular, false)),
        }
    }

    fn upon_good(&mut self, manifest: &Manifest) -> Result<Option<Built>> {
        let interrupt = Interrupt::listen();
        let progress = &mut interrupt.progress();
        let sources = match self.resolver.between(&self.good, manifest, progress)? {
            Between::Nothing => BTreeMap::new(),
            Between::Modules(sources) => sources,
            Between::Kernel(_) => return Ok(None),
        };
        let base = match self.base.take() {
            Some(base) => base,
            None => Base::build(&self.good, &self.modular, self.resolver, progress)?,
        };
        let rebuilt = base.rebuilt(&sources, progress);
        let base = self.base.insert(base);
        let rebuilt = rebuilt?;
        interrupt.done()?;
        Ok(match rebuilt {
            Rebuilt::Image(image) => Some(Built::Target(Box::new(base.target(&image, &manifest.id)))),
            Rebuilt::DoesNotBuild(why) => Some(Built::Not(why)),
            Rebuilt::NoModule(_) => None,
        })
    }
}

impl Line for Commits<'_> {
    type Error = Failure;

    fn good(&self) -> &str {
        &self.good.id
    }

    fn bad(&self) -> &str {
        &self.bad.id
    }

    fn standing(&self) -> Result<Standing> {
        Ok(self.bisection.standing().map_err(KernelError::Git)?)
    }

    fn mark(&mut self, place: &str, mark: Mark) -> Result<()> {
        Ok(self.bisection.mark(place, mark).map_err(KernelError::Git)?)
    }

    fn build(&mut self, place: &str) -> Result<Built> {
        let manifest = self.manifest(place)?;
        if manifest.id != self.good.id && self.is_as_good(&manifest)? {
            return Ok(Built::AsGood);
        }
        match self.built_in {
            true => self.whole(manifest),
            false => self.as_modules(&manifest),
        }
    }

    fn told(&self, place: &str) -> String {
        match self.bisection.subject(place) {
            Ok(subject) => format!("{} {subject}", short(place)),
            Err(_) => place.to_owned(),
        }
    }
}

impl Told for Commits<'_> {
    fn count(&self) -> Result<usize> {
        Ok(self.bisection.commits().map_err(KernelError::Git)?)
    }

    fn other_way(&mut self) -> bool {
        !std::mem::replace(&mut self.built_in, true)
    }

    fn introduced(&self, found: &Standing) -> Result<String> {
        if let Standing::First(commit) = found {
            return Ok(commit.clone());
        }
        let (good, bad) = self.bisection.nearest().map_err(KernelError::Git)?;
        Ok(format!("{good}..{bad}"))
    }
}

/// A revision as `check --kernel` takes it.
fn called(tree: &Path, revision: &str) -> String {
    format!("git:{}@{revision}", tree.display())
}

/// A commit as it is told.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
