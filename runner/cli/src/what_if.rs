//! `scrubjay what-if`: what a decision about the kernel would break.

use std::path::Path;

use scrubjay_check::Target;
use scrubjay_host::words;
use scrubjay_kernels::Workshop;
use scrubjay_run::ExitStatus;
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_verdict::Feature;
use scrubjay_what_if::run::Run;
use scrubjay_what_if::{Answer, Decision};

use crate::args::WhatIfArgs;
use crate::context::Context;
use crate::failure::{Result, Untested, Usage};
use crate::interrupt::Interrupt;
use crate::{lab, select, table};

/// Answers.
pub fn run(args: &WhatIfArgs, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let catalogue = context.catalogue()?;
    let manifest = catalogue.get(&args.against)?;
    let sessions = select::sessions(&args.sessions, &library.sessions, context)?;
    let decision = decision(args, &library.profiles)?;
    let resolver = context.resolver(None)?;
    let interrupt = Interrupt::listen();
    let image = resolver.obtain(manifest, &mut interrupt.progress())?;
    let workshop = Workshop::new(&resolver, manifest, &image)?;
    let sources = decision.sources(&manifest.id, &workshop)?;
    let base = workshop.unchanged(&mut interrupt.progress())?;
    let changed = workshop.all_changed(&sources, &mut interrupt.progress())?;
    let machine = lab::machine(&Target::new(manifest, &base))?;
    interrupt.done()?;
    let files: Vec<_> = sources.keys().map(|file| file.display().to_string()).collect();
    words::say(format!(
        "{}\n{}\nchanged, with its modules rebuilt: {}",
        machine.0,
        machine.1,
        files.join(", ")
    ));
    let lab = lab::lab(&library, &machine, &args.guests);
    let run =
        Run { library: &library, lab: &lab, manifest, base: &base, changed: &changed, sessions: &sessions };
    let answer = scrubjay_what_if::run(&run, &decision, &mut |line| words::say(line)).map_err(Untested)?;
    table::text(&answer.to_string())?;
    Ok(status(&answer))
}

fn decision(args: &WhatIfArgs, profiles: &Profiles) -> Result<Decision> {
    let features =
        |words: &[String]| words.iter().map(|word| Feature::find(word, profiles)).collect::<Result<_, _>>();
    if let Some(missing) = args.patch.iter().find(|path| !Path::is_file(path)) {
        return Err(Usage(format!("--patch: {}: no such file", missing.display())).into());
    }
    let decision = Decision {
        block: features(&args.block)?,
        unblock: features(&args.unblock)?,
        patches: args.patch.clone(),
    };
    decision.check()?;
    Ok(decision)
}

fn status(answer: &Answer) -> ExitStatus {
    match () {
        () if answer.breaks.iter().any(|n| *n > 0) => ExitStatus::Broken,
        () if answer.is_incomplete() => ExitStatus::Untested,
        () => ExitStatus::Clean,
    }
}
