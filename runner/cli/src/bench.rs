//! `scrubjay bench`: figures of speed and size on a real kernel.

use scrubjay_bench::{Bench, Figures, Stage, text};
use scrubjay_engine::Lab;
use scrubjay_host::{Output, words};
use scrubjay_kernels::asked_one;
use scrubjay_run::ExitStatus;

use crate::args::BenchArgs;
use crate::context::Context;
use crate::failure::{Result, Untested};
use crate::interrupt::Interrupt;
use crate::{lab, table};

/// Measures.
pub fn run(args: &BenchArgs, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let catalogue = context.catalogue()?;
    let wanted = asked_one(&args.kernel, &catalogue)?;
    let resolver = context.resolver(args.kernel_cache.as_deref())?;
    let mut output = args.output.as_deref().map(Output::at).transpose()?;
    let interrupt = Interrupt::listen();
    let (target, _) = lab::obtain(&wanted, &[], &resolver, &interrupt)?.target.map_err(Untested)?;
    interrupt.done()?;
    let (qemu, choice) = lab::machine(&target)?;
    let lab = Lab {
        qemu: &qemu,
        accel: choice.accel,
        vcpus: args.vcpus,
        guests: 1,
        keep: false,
        thorough: false,
        until: None,
        profiles: &library.profiles,
        sessions: &library.sessions,
        sabotage: Default::default(),
    };
    let bench =
        Bench { lab: &lab, kernel: &target.kernel, accelerator: choice.to_string(), pairs: args.pairs.get() };
    let figures: Figures = bench.run(&mut |stage| words::say(told(stage)))?;
    if let Some(output) = &mut output {
        output.write(&format!("{}\n", serde_json::to_string_pretty(&figures)?))?;
    }
    table::text(&text(&figures))?;
    Ok(ExitStatus::Clean)
}

fn told(stage: Stage) -> String {
    match stage {
        Stage::Pair(pair, of) => format!("shared boot and bare boot, pair {pair} of {of}"),
        Stage::Calls => "single calls".to_owned(),
        Stage::Boot(boot, of) => format!("a whole run, boot {boot} of {of}"),
    }
}
