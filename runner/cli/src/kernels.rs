//! `scrubjay kernels`: list, fetch, build, path.

use scrubjay_host::words;
use scrubjay_kernels::{Catalogue, Fwctl, Manifest, Resolver, State};
use scrubjay_run::ExitStatus;

use crate::args::{KernelsArgs, KernelsCommand};
use crate::context::Context;
use crate::failure::{self, Failure, Result};
use crate::interrupt::Interrupt;
use crate::table;

/// Does it.
pub fn run(args: &KernelsArgs, context: &Context) -> Result<ExitStatus> {
    let catalogue = context.catalogue()?;
    let mut resolver = context.resolver(args.kernel_cache.as_deref())?;
    match &args.command {
        KernelsCommand::List => list(&catalogue, &resolver),
        KernelsCommand::Path(kernels) => path(&manifests(&kernels.ids, &catalogue)?, &resolver),
        KernelsCommand::Fetch(kernels) => {
            let interrupt = Interrupt::listen();
            for manifest in manifests(&kernels.ids, &catalogue)? {
                let fetched = resolver.fetch(manifest, &mut interrupt.progress())?;
                for file in &fetched {
                    table::text(&format!("{}\n", file.path.display()))?;
                }
                if fetched.is_empty() {
                    words::say(format!("kernel {} is made from what is on this machine", manifest.id));
                }
            }
            Ok(ExitStatus::Clean)
        }
        KernelsCommand::Build(build) => {
            resolver.jobs = build.jobs;
            let interrupt = Interrupt::listen();
            for manifest in manifests(&build.kernels.ids, &catalogue)? {
                let image = resolver.build(manifest, &mut interrupt.progress())?;
                table::text(&format!("{}\n", image.bzimage.display()))?;
            }
            Ok(ExitStatus::Clean)
        }
    }
}

fn manifests<'a>(ids: &[String], catalogue: &'a Catalogue) -> Result<Vec<&'a Manifest>> {
    Ok(ids.iter().map(|id| catalogue.get(id)).collect::<Result<_, _>>()?)
}

fn list(catalogue: &Catalogue, resolver: &Resolver) -> Result<ExitStatus> {
    let row = |manifest: &Manifest| {
        let fwctl = match &manifest.fwctl {
            Fwctl::Present => "expected",
            Fwctl::Absent { .. } => "absent",
        };
        let state = match resolver.state(manifest) {
            Ok(state) => state_in_words(&state),
            Err(error) => {
                format!(
                    "unusable: {}",
                    failure::told(&Failure::from(error)).lines().next().unwrap_or_default()
                )
            }
        };
        let source = manifest.sources.first().map(|source| source.describe()).unwrap_or_default();
        vec![manifest.id.clone(), manifest.version.clone(), fwctl.to_owned(), state, source]
    };
    let rows: Vec<_> = catalogue.iter().map(row).collect();
    table::print(&["kernel", "version", "fwctl", "state", "source"], &rows)?;
    Ok(ExitStatus::Clean)
}

/// How far a kernel is, in a word or two.
pub fn state_in_words(state: &State) -> String {
    match state {
        State::Built { .. } => "built".to_owned(),
        State::Prebuilt { .. } => "prebuilt".to_owned(),
        State::Fetched { .. } => "fetched".to_owned(),
        State::PartlyFetched { bytes, .. } => format!("{} MiB fetched", bytes >> 20),
        State::Missing => "not here".to_owned(),
    }
}

fn path(manifests: &[&Manifest], resolver: &Resolver) -> Result<ExitStatus> {
    let mut status = ExitStatus::Clean;
    for manifest in manifests {
        match resolver.find(manifest)? {
            Some(image) => table::text(&format!("{}\n", image.bzimage.display()))?,
            None => {
                let id = &manifest.id;
                words::say(format!("scrubjay: kernel {id} is not here; run `scrubjay kernels build {id}`"));
                status = ExitStatus::Untested;
            }
        }
    }
    Ok(status)
}
