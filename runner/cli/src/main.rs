//! The command `scrubjay`: reads arguments, calls the crates that do the work, and exits.
//!
//! [`args`] is the one table of subcommands and flags; help, man page and completions are made from
//! it. Each subcommand is a file of its name. Only `main` exits, by [`ExitStatus`].

mod args;
mod bench;
mod bisect;
mod catalogue;
mod changes;
mod check;
mod compare_packages;
mod context;
mod devices;
mod diff;
mod doctor;
mod failure;
mod format;
mod gate;
mod interrupt;
mod judge;
mod kernels;
mod lab;
mod log;
mod manual;
mod memory;
mod mutants;
mod obtaining;
mod offered;
mod output;
mod policy;
mod reach;
mod record;
mod releases;
mod report;
mod review;
mod revision;
mod schema;
mod select;
mod sessions;
mod table;
mod touched;
mod what_if;

use clap::Parser;
use scrubjay_host::interrupt::cleanup_on_signals;
use scrubjay_run::ExitStatus;
use scrubjay_verdict::Rule;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::failure::Result;

fn main() -> ExitStatus {
    memory::give_back();
    // Wrong usage exits here with 2, help and version with 0, as the table of exit statuses says.
    let cli = Cli::parse();
    log::listen(cli.verbose);
    run(&cli).unwrap_or_else(|error| failure::tell(&error))
}

fn run(cli: &Cli) -> Result<ExitStatus> {
    if cli.command.is_long() {
        cleanup_on_signals()?;
    }
    // Rules are compiled in; a file of theirs that is wrong is told whatever was asked for.
    Rule::check()?;
    let context = || Context::find(cli.root.as_deref());
    match &cli.command {
        Command::Check(args) => check::run(args, cli.verbose, &context()?),
        Command::Report(args) => report::run(args, cli.verbose, &context()?),
        Command::Judge(args) => judge::run(args, cli.verbose, &context()?),
        Command::Diff(args) => diff::run(args),
        Command::ComparePackages(args) => compare_packages::run(args, cli.verbose, &context()?),
        Command::Record(args) => record::run(args, &context()?),
        Command::Bench(args) => bench::run(args, &context()?),
        Command::Review(args) => review::run(args, &context()?),
        Command::Releases(args) => releases::run(args, &context()?),
        Command::Reach(args) => reach::count::run(args, &context()?),
        Command::Bisect(args) => bisect::run(args, &context()?),
        Command::WhatIf(args) => what_if::run(args, &context()?),
        Command::Gate(args) => gate::run(args, cli.verbose, &context()?),
        Command::Kernels(args) => kernels::run(args, &context()?),
        Command::Devices(args) => devices::run(args, &context()?),
        Command::Sessions(args) => sessions::run(args, &context()?),
        Command::Mutants(args) => mutants::run(args, &context()?),
        Command::Rules => catalogue::rules(),
        Command::Explain(args) => catalogue::explain(args),
        Command::Promises(args) => catalogue::promises(args, &context()?),
        Command::Changes(args) => changes::run(args, &context()?),
        Command::Doctor(args) => doctor::run(args, cli.root.as_deref()),
        Command::Schema(args) => schema::run(args, &context()?),
        Command::Completions(args) => manual::completions(args),
        Command::Man(args) => manual::man(args),
    }
}
