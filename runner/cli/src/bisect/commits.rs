//! The commits between two revisions of a repository: `git bisect` says which is next.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scrubjay_check::bisect::{Built, Line};
use scrubjay_kernels::{
    Asked, Between, Bisection, Catalogue, Config, Found, KernelError, Manifest, Mark, Resolver, Standing,
    revision_of,
};
use scrubjay_session::Session;

use crate::bisect::Told;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::lab;
use crate::revision::{self, Base, Rebuilt, as_modules, called};

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
        let asked = Asked::Made(Cow::Owned(manifest));
        let obtained = lab::obtain(&asked, &self.sessions, self.resolver, &interrupt)?;
        interrupt.done()?;
        Ok(match obtained.target {
            Ok((target, _)) => Built::Target(Box::new(target)),
            Err(why) => Built::Not(why),
        })
    }

    /// What differs from the good end.
    fn reach(&self, manifest: &Manifest) -> Result<Between> {
        if manifest.id == self.good.id {
            return Ok(Between::Modules(BTreeMap::new()));
        }
        let interrupt = Interrupt::listen();
        Ok(self.resolver.between(&self.good, manifest, &|_| true, &mut interrupt.progress())?.reach)
    }

    /// Modules out of these sources upon the good end; none where one of them is part of no module.
    fn upon_good(
        &mut self,
        manifest: &Manifest,
        sources: &BTreeMap<PathBuf, String>,
    ) -> Result<Option<Built>> {
        let interrupt = Interrupt::listen();
        let progress = &mut interrupt.progress();
        if self.base.is_none() {
            self.base = Some(Base::build(&self.good, &self.modular, self.resolver, progress)?);
        }
        let Some(base) = &self.base else { return Ok(None) };
        let rebuilt = base.rebuilt(sources, progress)?;
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
        let built = match self.reach(&manifest)? {
            Between::Nothing => return Ok(Built::AsGood),
            _ if self.built_in => return self.whole(manifest),
            Between::Modules(sources) => self.upon_good(&manifest, &sources)?,
            Between::Kernel(_) => None,
        };
        match built {
            Some(built) => Ok(built),
            None => self.whole(as_modules(&manifest, &self.modular, false)),
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

    fn introduced(&self, found: &Found) -> Result<String> {
        if let Found::First(commit) = found {
            return Ok(commit.clone());
        }
        let (good, bad) = self.bisection.nearest().map_err(KernelError::Git)?;
        Ok(format!("{good}..{bad}"))
    }
}

/// A commit as it is told.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
